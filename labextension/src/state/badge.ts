import type { Drift } from '../contract';

/** How the notebook that is open stands to its block. */
export type Standing =
  /** Nobody could tell yet, or at all. */
  | { kind: 'unknown' }
  | { kind: 'unpublished' }
  | { kind: 'same'; name: string; version: string }
  /** `cells` that differ; null where the edits are not saved, so that nobody counted. */
  | { kind: 'differs'; name: string; version: string; cells: number | null };

/**
 * What a badge says.
 *
 * `drift` is that of the saved file, null before it is known; `edited` whether cells were changed since then.
 */
export function standingOf(drift: Drift | null, edited: boolean): Standing {
  if (drift === null) {
    return { kind: 'unknown' };
  }
  if (drift.block === null) {
    return { kind: 'unpublished' };
  }
  const { version } = drift.block;
  const { name } = drift.block.spec;
  if (edited || !drift.same) {
    return { kind: 'differs', name, version, cells: edited ? null : drift.changed_cells };
  }
  return { kind: 'same', name, version };
}

/** What runs of a notebook, as one text: kinds, sources and tags of the cells. */
export function cellsText(cells: Iterable<{ type: string; sharedModel: { getSource(): string }; getMetadata(name: string): unknown }>): string {
  return JSON.stringify(
    [...cells].map(cell => [cell.type, cell.sharedModel.getSource(), cell.getMetadata('tags') ?? []])
  );
}
