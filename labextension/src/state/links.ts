/** Who waits for whom: read from the tasks, and rewritten when tasks are renamed, copied or removed. */
import type { Json, Task } from '../contract';
import { reference } from './values';

// As the service reads them (scheduler/graph.py): alone in a text or inside a longer one, in lists and objects too.
const REFERENCES = /\$\{\{\s*tasks\.([a-z0-9-]+)\.outputs\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g;

/** `value` with each of its texts changed. */
function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') {
    return change(value);
  }
  if (Array.isArray(value)) {
    return value.map(one => mapTexts(one as Json, change));
  }
  return value !== null && typeof value === 'object'
    ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapTexts(one as Json, change)]))
    : value;
}

/** Tasks and outputs that a value refers to. */
export function referencesIn(value: Json): { task: string; output: string }[] {
  const found: { task: string; output: string }[] = [];
  mapTexts(value, text => {
    for (const [, task = '', output = ''] of text.matchAll(REFERENCES)) {
      found.push({ task, output });
    }
    return text;
  });
  return found;
}

/** A task whose links lead to the tasks that `names` gives for the old ones. */
export function relinked(task: Task, names: ReadonlyMap<string, string>): Task {
  const change = (text: string) =>
    text.replace(REFERENCES, (whole, name: string, output: string) => {
      const to = names.get(name);
      return to === undefined ? whole : reference(to, output);
    });
  return {
    ...task,
    after: task.after.map(one => names.get(one) ?? one),
    inputs: Object.fromEntries(Object.entries(task.inputs).map(([name, value]) => [name, mapTexts(value, change)])),
    foreach: mapTexts(task.foreach as Json, change)
  };
}

/** A task without its links to those that `gone` names, and without the inputs that they gave. */
export function unlinked(task: Task, gone: (name: string) => boolean): Task {
  if (!waitsFor(task).some(gone)) {
    return task;
  }
  const takes = (value: Json) => referencesIn(value).some(one => gone(one.task));
  return {
    ...task,
    after: task.after.filter(one => !gone(one)),
    inputs: Object.fromEntries(Object.entries(task.inputs).filter(([, value]) => !takes(value))),
    foreach: takes(task.foreach as Json) ? null : task.foreach
  };
}

function takenBy(task: Task): { task: string; output: string }[] {
  return [...Object.values(task.inputs), task.foreach as Json].flatMap(referencesIn);
}

/** Names of the tasks that `task` takes outputs from. */
export function sourcesOf(task: Task): string[] {
  return [...new Set(takenBy(task).map(one => one.task))];
}

/** Names of all tasks that `task` waits for directly. */
export function waitsFor(task: Task): string[] {
  return [...new Set([...task.after, ...sourcesOf(task)])];
}

/** Whether `task` may wait for `on` without the tasks waiting for each other in a circle. */
export function canWait(tasks: readonly Task[], task: string, on: string): boolean {
  const byName = new Map(tasks.map(one => [one.name, one]));
  const seen = new Set<string>();
  const open = [on];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === task) {
      return false;
    }
    if (!seen.has(name)) {
      seen.add(name);
      const found = byName.get(name);
      open.push(...(found ? waitsFor(found) : []));
    }
  }
  return true;
}

export interface Link {
  from: string;
  to: string;
  /** Outputs handed over; empty where a task only waits. */
  outputs: string[];
}

/** Who waits for whom, and takes what; references to missing tasks are left out. */
export function linksOf(tasks: readonly Task[]): Link[] {
  const known = new Set(tasks.map(task => task.name));
  return tasks.flatMap(task => {
    const taken = takenBy(task);
    return waitsFor(task)
      .filter(from => known.has(from))
      .map(from => ({
        from,
        to: task.name,
        outputs: [...new Set(taken.filter(one => one.task === from).map(one => one.output))]
      }));
  });
}

/** Those of `links` by which tasks wait for each other in a circle. */
export function circularLinks(tasks: readonly Task[], links: readonly Link[]): Link[] {
  return links.filter(link => !canWait(tasks, link.to, link.from));
}

/** A link as one word; names of tasks hold no such sign. */
export function linkId({ from, to }: { from: string; to: string }): string {
  return `${from}→${to}`;
}
