/** Characters of a log that are kept for showing; the whole log stays on the server. */
export const LOG_LIMIT = 200_000;

export interface Log {
  /** What is shown: without terminal codes, progress bars collapsed to their last state. */
  text: string;
  /** Byte offset to ask from next. */
  next: number;
  /** Whether earlier lines were left out because of `LOG_LIMIT`. */
  cut: boolean;
}

export const emptyLog: Log = { text: '', next: 0, cut: false };

// CSI and OSC sequences and single-character escapes of ECMA-48; other control characters but \t \n \r.
const TERMINAL_CODES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** `text` without colours and cursor movements. */
export function stripTerminalCodes(text: string): string {
  return text.replace(TERMINAL_CODES, '');
}

/** Show of each line only what follows its last carriage return, as a terminal would. */
export function collapseReturns(text: string): string {
  return text
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map(line => {
      const parts = line.split('\r');
      const last = parts.pop() ?? '';
      // A line that ends with \r waits to be overwritten: it is still to be seen until then.
      return last === '' && parts.length > 0 ? `${parts.pop() ?? ''}\r` : last;
    })
    .join('\n');
}

/** The log after one more piece of it. */
export function appendLog(log: Log, text: string, next: number): Log {
  if (text === '') {
    return next === log.next ? log : { ...log, next };
  }
  const whole = collapseReturns(log.text + stripTerminalCodes(text));
  if (whole.length <= LOG_LIMIT) {
    return { text: whole, next, cut: log.cut };
  }
  const from = whole.indexOf('\n', whole.length - LOG_LIMIT) + 1;
  return { text: whole.slice(from), next, cut: true };
}
