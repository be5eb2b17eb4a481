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

/** What people call a task run inside its run: `train`, `train.3` for an item of a list. */
export function labelOf(task: TaskRun): string {
  return task.item === null ? task.task.name : `${task.task.name}.${task.item}`;
}

/** Whether it stands for all items of a list; nothing is executed for it. */
export function isGroup(task: TaskRun): boolean {
  return task.task.foreach !== null && task.item === null;
}

/** The last attempt of each task and item, in order. */
export function newestTasks(run: Run): TaskRun[] {
  const found = new Map<string, TaskRun>();
  for (const task of run.tasks) {
    const before = found.get(labelOf(task));
    if (before === undefined || before.attempt < task.attempt) {
      found.set(labelOf(task), task);
    }
  }
  return [...found.values()];
}

/** The last attempt of that label; null if the run has none. */
export function findTask(run: Run, label: string): TaskRun | null {
  return newestTasks(run).find(one => labelOf(one) === label) ?? null;
}

/** The task run of an address: `train` is the last attempt, `train@1` the first; null if the run has none. */
export function findAddressed(run: Run, address: string): TaskRun | null {
  const [label = '', attempt] = address.split('@');
  return attempt === undefined
    ? findTask(run, label)
    : (run.tasks.find(one => labelOf(one) === label && one.attempt === Number(attempt)) ?? null);
}

/** What people call the task at which a run failed; null if none did. */
export function failedTask(run: Run): string | null {
  const found = newestTasks(run).find(one => !isGroup(one) && (one.state === 'FAILED' || one.state === 'LOST'));
  return found ? labelOf(found) : null;
}

const ITEMS_SHOWN = 20;

/** What a list of tasks shows: of many items of one task only those that run or went wrong, and not too many. */
export function shownTasks(run: Run): TaskRun[] {
  const newest = newestTasks(run);
  const items = new Map<string, number>();
  newest.filter(one => one.item !== null).forEach(one => items.set(one.task.name, (items.get(one.task.name) ?? 0) + 1));
  const shown = new Map<string, number>();
  return newest.filter(one => {
    if (one.item === null || (items.get(one.task.name) ?? 0) <= ITEMS_SHOWN) {
      return true;
    }
    const count = shown.get(one.task.name) ?? 0;
    const telling = ['STARTING', 'RUNNING', 'FAILED', 'LOST'].includes(one.state) && count < ITEMS_SHOWN;
    shown.set(one.task.name, telling ? count + 1 : count);
    return telling;
  });
}

/** Items of a task that ended well, and all of them; null for what has none. */
export function itemsDone(run: Run, group: TaskRun): { done: number; total: number } | null {
  const items = newestTasks(run).filter(one => one.item !== null && one.task.name === group.task.name);
  if (!isGroup(group) || items.length === 0) {
    return null;
  }
  return { done: items.filter(one => one.state === 'SUCCEEDED').length, total: items.length };
}

/** Whether a task has been started, so that it has a log. */
export function hasLog(task: TaskRun): boolean {
  if (isGroup(task)) {
    return false;
  }
  return task.started_at !== null || !['WAITING', 'PENDING', 'SKIPPED'].includes(task.state);
}

export function verdictTone(verdict: Verdict): Tone {
  return verdict === 'not proven' ? 'wait' : 'good';
}

/** Between 0 and 1: cells done of all cells, over all tasks; tasks that do not say count as one cell. */
export function runProgress(run: Run): number {
  let done = 0;
  let total = 0;
  const newest = newestTasks(run);
  const split = new Set(newest.filter(task => task.item !== null).map(task => task.task.name));
  for (const task of newest) {
    if (task.item === null && split.has(task.task.name)) {
      continue; // its items are counted
    }
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
