import type { Run } from '../contract';
import { onlyTask, type Selection } from './selection';
import { isGroup, labelOf, newestTasks } from './states';

export type RunTab = 'graph' | 'timeline';
export type TaskTab = 'log' | 'notebook' | 'facts';

/** Where somebody looks on the page of a run. */
export interface RunPageState {
  tab: RunTab;
  /** Address of a task run: `train`, `train.3`, `train@1`; null before anything was chosen. */
  task: string | null;
  taskTab: TaskTab;
}

export type RunPageAction =
  | { type: 'tab'; tab: RunTab }
  | { type: 'task'; task: string | null; taskTab?: TaskTab }
  /** What the graph makes of what is chosen in it: several such changes may come before the page is drawn again. */
  | { type: 'graph'; change: (before: Selection) => Selection }
  | { type: 'task-tab'; tab: TaskTab };

export const initialRunPage: RunPageState = { tab: 'graph', task: null, taskTab: 'log' };

export function reduceRunPage(state: RunPageState, action: RunPageAction): RunPageState {
  switch (action.type) {
    case 'tab':
      return { ...state, tab: action.tab };
    case 'task':
      return { ...state, task: action.task, taskTab: action.taskTab ?? state.taskTab };
    case 'graph': {
      const before = chosenInGraph(state.task);
      const after = action.change(before);
      return after === before ? state : { ...state, task: after.tasks.at(-1) ?? null };
    }
    case 'task-tab':
      return { ...state, taskTab: action.tab };
  }
}

/** The graph shows a task once, whatever piece or attempt of it the address means. */
export function chosenInGraph(address: string | null): Selection {
  return onlyTask(address?.split(/[.@]/, 1)[0] ?? null);
}

/** The task worth looking at first: what failed, else what runs, else what waits for room, else the only one. */
export function tellingTask(run: Run): string | null {
  const tasks = newestTasks(run).filter(one => !isGroup(one));
  for (const states of [['FAILED', 'LOST'], ['RUNNING', 'STARTING'], ['PENDING']]) {
    const found = tasks.find(one => states.includes(one.state));
    if (found) {
      return labelOf(found);
    }
  }
  return tasks[0] ? labelOf(tasks[0]) : null;
}
