import type { ClipboardEvent } from 'react';
import type { Task } from '../../contract';
import { readTasks } from '../../state/clipboard';

/** What was copied last on this page: for a browser that lets nobody read its clipboard. */
let last = '';

/** Whether copying means text here: in a field, or where text is marked. */
function isText(target: EventTarget): boolean {
  const field = target instanceof Element && target.closest('input, textarea, select, .lq-log') !== null;
  return field || document.getSelection()?.isCollapsed === false;
}

export interface Clipboard {
  copy: () => void;
  cut: () => void;
  paste: () => void;
  /** For the element around it all: the keys of copying make the browser send these. */
  events: { [on in 'onCopy' | 'onCut' | 'onPaste']: (event: ClipboardEvent) => void };
}

interface Handling {
  /** The chosen tasks as text; null where none is chosen. */
  text: () => string | null;
  onCopied: () => void;
  onCut: () => void;
  /** null: there are no tasks on the clipboard. */
  onPasted: (tasks: Task[] | null) => void;
}

/** Copy, cut and paste by key or by button. */
export function clipboardOf({ text, onCopied, onCut, onPasted }: Handling): Clipboard {
  const take = (then: () => void, event?: ClipboardEvent) => {
    const taken = text();
    if (taken === null || (event && isText(event.target))) {
      return;
    }
    last = taken;
    if (event) {
      event.clipboardData.setData('text/plain', taken);
      event.preventDefault();
    } else {
      void navigator.clipboard?.writeText(taken).catch(() => undefined);
    }
    then();
  };
  const pasteByButton = async () => {
    const found = await navigator.clipboard?.readText().catch(() => undefined);
    onPasted(readTasks(found ?? '') ?? readTasks(last));
  };
  return {
    copy: () => take(onCopied),
    cut: () => take(onCut),
    paste: () => void pasteByButton(),
    events: {
      onCopy: event => take(onCopied, event),
      onCut: event => take(onCut, event),
      onPaste: event => {
        if (!isText(event.target)) {
          event.preventDefault();
          onPasted(readTasks(event.clipboardData.getData('text/plain')));
        }
      }
    }
  };
}
