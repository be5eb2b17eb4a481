import type { Task, Workflow } from '../contract';
import { relinked, unlinked } from './links';
import { freeName } from './names';

/**
 * Copies of `copied` in the workflow, under free names, behind their originals if they are there.
 *
 * Links among the copied become links among the copies; links to other tasks stay where the workflow has such a task.
 */
export function withCopies(workflow: Workflow, copied: readonly Task[]): Workflow {
  const taken = workflow.tasks.map(task => task.name);
  const present = new Set(taken);
  const names = new Map<string, string>();
  for (const { name } of copied) {
    const free = freeName(name, taken);
    names.set(name, free);
    taken.push(free);
  }
  const copies = copied.map(task => ({
    ...relinked(unlinked(task, one => !names.has(one) && !present.has(one)), names),
    name: names.get(task.name) ?? task.name
  }));
  const originals = workflow.tasks.map((task, place) => (names.has(task.name) ? place + 1 : 0));
  const at = Math.max(0, ...originals) || workflow.tasks.length;
  return { ...workflow, tasks: [...workflow.tasks.slice(0, at), ...copies, ...workflow.tasks.slice(at)] };
}
