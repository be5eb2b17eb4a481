import type { BlockDiff, Change } from '../contract';

/** What a line of a difference says: gone, new, a heading, where a piece stands, or unchanged. */
export type LineKind = 'old' | 'new' | 'head' | 'place' | 'same';

export interface Line {
  kind: LineKind;
  text: string;
}

/** The lines of a notebook's difference as nbdime prints it: unified pieces below `## modified /cells/0/source:`. */
export function diffLines(text: string): Line[] {
  const lines = text.replace(/\n+$/, '').split('\n');
  return text.trim() === '' ? [] : lines.map(line => ({ kind: kindOf(line), text: line }));
}

function kindOf(line: string): LineKind {
  if (line.startsWith('## ')) {
    return 'head';
  }
  if (line.startsWith('@@') || /^(?:---|\+\+\+|nbdiff) /.test(line)) {
    return 'place';
  }
  return line.startsWith('+') ? 'new' : line.startsWith('-') ? 'old' : 'same';
}

export function countLines(lines: readonly Line[]): { added: number; removed: number } {
  return {
    added: lines.filter(line => line.kind === 'new').length,
    removed: lines.filter(line => line.kind === 'old').length
  };
}

/** Whether nothing that matters differs: size and digest alone do not. */
export function isSame(diff: BlockDiff): boolean {
  const lists: readonly Change[][] = [diff.inputs, diff.outputs, diff.packages, diff.files, diff.settings];
  return diff.cells.trim() === '' && lists.every(changes => changes.length === 0);
}

export type ChangeKind = 'added' | 'removed' | 'changed';

export function changeKind(change: Change): ChangeKind {
  return change.old === null ? 'added' : change.new === null ? 'removed' : 'changed';
}
