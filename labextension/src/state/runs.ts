import type { Run } from '../contract';
import { isActive } from './states';

/** Which runs are listed. */
export interface RunFilter {
  state: RunKind;
  /** Words of which each occurs in the workflow's name, its project or the run's id. */
  text: string;
  /** Only what the user started. */
  mine: boolean;
}

export type RunKind = 'all' | 'active' | 'succeeded' | 'failed' | 'other';

export const RUN_KINDS: readonly RunKind[] = ['all', 'active', 'succeeded', 'failed', 'other'];

export const ALL_RUNS: RunFilter = { state: 'all', text: '', mine: false };

export function isFiltered(filter: RunFilter): boolean {
  return filter.state !== 'all' || filter.text.trim() !== '' || filter.mine;
}

/** The runs that a filter lets through; `author` is the user's name, null while it is not known. */
export function filterRuns(runs: readonly Run[], filter: RunFilter, author: string | null): Run[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter(run => {
    const { name, project } = run.workflow;
    const told = `${name} ${project} ${run.id}`.toLowerCase();
    return (
      (filter.state === 'all' || filter.state === kindOf(run)) &&
      words.every(word => told.includes(word)) &&
      (!filter.mine || author === null || run.author === author)
    );
  });
}

function kindOf(run: Run): RunKind {
  if (isActive(run.state)) {
    return 'active';
  }
  return run.state === 'SUCCEEDED' ? 'succeeded' : run.state === 'FAILED' ? 'failed' : 'other';
}
