/** What moving a task to the newest version of its block changes. */
import type { Block, Task } from '../contract';

export interface Upgrade {
  task: string;
  block: string;
  from: string;
  to: string;
  /** Inputs that the newer version needs, and that have no value. */
  missing: string[];
  /** Inputs that have a value, and that the newer version does not have any more: the values go. */
  removed: string[];
}

/** The change to the newest version; null for a task that uses it. `blocks` has the newest first. */
export function upgradeOf(task: Task, blocks: readonly Block[]): Upgrade | null {
  const newest = blocks.find(block => block.spec.name === task.block);
  if (!newest || task.version === null || newest.version === task.version) {
    return null;
  }
  const { inputs } = newest.spec;
  return {
    task: task.name,
    block: task.block,
    from: task.version,
    to: newest.version,
    missing: inputs.filter(one => one.required && !one.secret && !(one.name in task.inputs)).map(one => one.name),
    removed: Object.keys(task.inputs).filter(name => !inputs.some(one => one.name === name))
  };
}

export function upgradesOf(tasks: readonly Task[], blocks: readonly Block[]): Upgrade[] {
  return tasks.map(task => upgradeOf(task, blocks)).filter(one => one !== null);
}

/** The task after that change. */
export function upgraded(task: Task, upgrade: Upgrade): Task {
  const inputs = Object.fromEntries(Object.entries(task.inputs).filter(([name]) => !upgrade.removed.includes(name)));
  return { ...task, version: upgrade.to, inputs };
}
