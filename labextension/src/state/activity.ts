import type { Run } from '../contract';
import { isActive, newestTasks, isGroup } from './states';

/** What goes on in all projects. */
export interface Activity {
  running: number;
  pending: number;
  /** Runs that failed in the last day. */
  failed: number;
}

const DAY_MS = 86_400_000;

export function activityOf(runs: readonly Run[], now: number): Activity {
  const tasks = runs.filter(run => isActive(run.state)).flatMap(newestTasks).filter(one => !isGroup(one));
  return {
    running: tasks.filter(one => one.state === 'RUNNING' || one.state === 'STARTING').length,
    pending: tasks.filter(one => one.state === 'PENDING').length,
    failed: runs.filter(run => run.state === 'FAILED' && run.ended_at !== null && now - Date.parse(run.ended_at) < DAY_MS).length
  };
}

/** Runs of `author` that were going on in `before` and have ended in `after`. */
export function endedBetween(before: readonly Run[], after: readonly Run[], author: string): Run[] {
  const active = new Set(before.filter(run => isActive(run.state)).map(run => run.id));
  return after.filter(run => active.has(run.id) && !isActive(run.state) && run.author === author);
}
