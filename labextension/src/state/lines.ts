/** The line that a fault of a file names, from 1: `tasks.train.cpu (line 7): …`; null if it names none. */
export function lineOfFault(fault: string): number | null {
  const found = /\(line (\d+)\):/.exec(fault);
  return found ? Number(found[1]) : null;
}

/** Where a line begins in a text, lines counted from 1; the end of a text that is shorter. */
export function startOfLine(text: string, line: number): number {
  let start = 0;
  for (let number = 1; number < line; number += 1) {
    const end = text.indexOf('\n', start);
    if (end < 0) {
      return text.length;
    }
    start = end + 1;
  }
  return start;
}
