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

/** What a heading is about: cells by number, from 1; of a cell that changed, which part of it. */
export interface Heading {
  kind: 'changed' | 'new' | 'removed';
  first: number;
  last: number;
  /** `source`, `metadata/tags`; "" for the whole cell. */
  part: string;
}

const HEADING = /^## (\w+)[^/]* \/cells\/(\d+)(?:-(\d+))?(?:\/(.*?))?:?$/;

/** The heading that a line of nbdime's is; null for one of another form. */
export function headingOf(text: string): Heading | null {
  const found = HEADING.exec(text);
  if (!found) {
    return null;
  }
  const [, verb, first = '0', last = first, part = ''] = found;
  const whole = part === '';
  const kind = whole && verb === 'inserted' ? 'new' : whole && verb === 'deleted' ? 'removed' : 'changed';
  return { kind, first: Number(first) + 1, last: Number(last) + 1, part };
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
