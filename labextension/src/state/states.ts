import type { Run, RunState, TaskRun, TaskState, Verdict } from '../contract';

/** How a state looks: an icon and a colour of one meaning. */
export type Tone = 'wait' | 'active' | 'good' | 'bad' | 'quiet';

const TONES: { [state in TaskState]: Tone } = {
  WAITING: 'quiet',
  PENDING: 'wait',
  STARTING: 'active',
  RUNNING: 'active',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  LOST: 'bad',
  CANCELLED: 'quiet',
  SKIPPED: 'quiet'
};

export function toneOf(state: TaskState): Tone {
  return TONES[state] ?? 'quiet';
}

/** Whether a run goes on by itself, so that looking again shows something new. */
export function isActive(state: RunState): boolean {
  return state === 'PENDING' || state === 'RUNNING';
}

export function isTaskActive(state: TaskState): boolean {
  return state === 'WAITING' || state === 'PENDING' || state === 'STARTING' || state === 'RUNNING';
}

/** Whether a task has been started, so that it has a log. */
export function hasLog(task: TaskRun): boolean {
  return task.started_at !== null || !['WAITING', 'PENDING', 'SKIPPED'].includes(task.state);
}

export function verdictTone(verdict: Verdict): Tone {
  return verdict === 'not proven' ? 'wait' : 'good';
}

/** Between 0 and 1: cells done of all cells, over all tasks; tasks that do not say count as one cell. */
export function runProgress(run: Run): number {
  let done = 0;
  let total = 0;
  for (const task of run.tasks) {
    const cells = task.progress?.total || 1;
    total += cells;
    done += isTaskActive(task.state) ? (task.progress?.done ?? 0) : cells;
  }
  return total === 0 ? (isActive(run.state) ? 0 : 1) : done / total;
}

/** Milliseconds from `from` to `to`, or to `now` where there is no end yet; null before the start. */
export function elapsed(from: string | null, to: string | null, now: number): number | null {
  return from === null ? null : (to === null ? now : Date.parse(to)) - Date.parse(from);
}
