import type { Block, Resources, Run, Schedule, Task, TaskRun, Values, Workflow } from '../contract';
import { freeName, isName, slug } from './names';
import { findTask } from './states';
import { parseReference, reference } from './values';

/** One change of a workflow under composition. */
export type Edit =
  | { type: 'name' | 'project' | 'description'; text: string }
  | { type: 'add-task'; block: Block }
  | { type: 'remove-task'; task: string }
  | { type: 'rename-task'; task: string; name: string }
  | { type: 'version'; task: string; version: string }
  | { type: 'inputs'; task: string; inputs: Values }
  | { type: 'resources'; task: string; resources: Resources }
  | { type: 'after'; task: string; on: string; waits: boolean }
  | { type: 'conduct'; task: string; change: Partial<Conduct> }
  | { type: 'duplicate-task'; task: string }
  | { type: 'schedule'; schedule: Schedule | null };

/** When and how often a task runs. */
export type Conduct = Pick<Task, 'when' | 'retries' | 'retry_delay_s' | 'foreach' | 'reuse' | 'warn_after_s'>;

/** What is special about a task that nothing special was said of. */
export const PLAIN_TASK = {
  when: 'on_success',
  retries: 0,
  retry_delay_s: 10,
  foreach: null,
  reuse: false,
  warn_after_s: null
} as const;

export function emptyWorkflow(project = 'default'): Workflow {
  return { name: 'workflow', project, tasks: [], schedule: null, description: '', paused: false, revision: 0, priority: 0 };
}

export function editWorkflow(workflow: Workflow, edit: Edit): Workflow {
  switch (edit.type) {
    case 'name':
      // Another name or project is another workflow: its saves are counted from the start.
      return edit.text === workflow.name ? workflow : { ...workflow, name: edit.text, revision: 0 };
    case 'project':
      return edit.text === workflow.project ? workflow : { ...workflow, project: edit.text, revision: 0 };
    case 'description':
      return { ...workflow, description: edit.text };
    case 'add-task':
      return { ...workflow, tasks: [...workflow.tasks, taskOf(edit.block, workflow)] };
    case 'remove-task':
      return { ...workflow, tasks: workflow.tasks.filter(one => one.name !== edit.task).map(one => unlink(one, edit.task)) };
    case 'rename-task':
      return renameTask(workflow, edit.task, edit.name);
    case 'version':
      return mapTask(workflow, edit.task, task => ({ ...task, version: edit.version }));
    case 'inputs':
      return mapTask(workflow, edit.task, task => ({ ...task, inputs: edit.inputs }));
    case 'resources':
      return mapTask(workflow, edit.task, task => ({ ...task, resources: edit.resources }));
    case 'after':
      return edit.waits && !canWait(workflow.tasks, edit.task, edit.on)
        ? workflow
        : mapTask(workflow, edit.task, task => ({
            ...task,
            after: edit.waits ? [...task.after.filter(one => one !== edit.on), edit.on] : task.after.filter(one => one !== edit.on)
          }));
    case 'conduct':
      return mapTask(workflow, edit.task, task => ({ ...task, ...edit.change }));
    case 'duplicate-task':
      return duplicate(workflow, edit.task);
    case 'schedule':
      return { ...workflow, schedule: edit.schedule };
  }
}

function mapTask(workflow: Workflow, name: string, change: (task: Task) => Task): Workflow {
  return { ...workflow, tasks: workflow.tasks.map(task => (task.name === name ? change(task) : task)) };
}

function taskOf(block: Block, workflow: Workflow): Task {
  const taken = workflow.tasks.map(task => task.name);
  return {
    name: freeName(slug(block.spec.name), taken),
    block: block.spec.name,
    version: block.version,
    inputs: {},
    resources: block.spec.resources,
    after: [],
    ...PLAIN_TASK
  };
}

/** The same task once more, waiting for the same; nothing waits for the new one. */
function duplicate(workflow: Workflow, name: string): Workflow {
  const at = workflow.tasks.findIndex(task => task.name === name);
  const task = workflow.tasks[at];
  if (task === undefined) {
    return workflow;
  }
  const copy = { ...task, name: freeName(task.name, workflow.tasks.map(one => one.name)) };
  return { ...workflow, tasks: [...workflow.tasks.slice(0, at + 1), copy, ...workflow.tasks.slice(at + 1)] };
}

/** What an edit is about: edits of the same thing in quick succession are undone as one; null for a step of its own. */
export function aboutOf(edit: Edit): string | null {
  switch (edit.type) {
    case 'add-task':
    case 'remove-task':
    case 'duplicate-task':
    case 'after':
    case 'version':
      return null;
    case 'conduct':
      return [edit.type, edit.task, ...Object.keys(edit.change)].join(' ');
    default:
      return 'task' in edit ? `${edit.type} ${edit.task}` : edit.type;
  }
}

function unlink(task: Task, gone: string): Task {
  const inputs = Object.entries(task.inputs).filter(([, value]) => parseReference(value)?.task !== gone);
  return { ...task, after: task.after.filter(one => one !== gone), inputs: Object.fromEntries(inputs) };
}

function renameTask(workflow: Workflow, from: string, to: string): Workflow {
  if (from === to || !isName(to) || workflow.tasks.some(task => task.name === to)) {
    return workflow;
  }
  const tasks = workflow.tasks.map(task => ({
    ...task,
    name: task.name === from ? to : task.name,
    after: task.after.map(one => (one === from ? to : one)),
    inputs: Object.fromEntries(
      Object.entries(task.inputs).map(([name, value]) => {
        const taken = parseReference(value);
        return [name, taken?.task === from ? reference(to, taken.output) : value];
      })
    )
  }));
  return { ...workflow, tasks };
}

/** Names of the tasks that `task` takes outputs from. */
export function sourcesOf(task: Task): string[] {
  const sources = Object.values(task.inputs).map(value => parseReference(value)?.task);
  return [...new Set(sources.filter(one => one !== undefined))];
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
  return tasks.flatMap(task =>
    waitsFor(task)
      .filter(from => known.has(from))
      .map(from => ({
        from,
        to: task.name,
        outputs: Object.values(task.inputs)
          .map(parseReference)
          .flatMap(taken => (taken?.task === from ? [taken.output] : []))
      }))
  );
}

/** Layers of task names, each below those it waits for, ordered so that few links cross. Circles end up last. */
export function layersOf(tasks: readonly Task[]): string[][] {
  const links = linksOf(tasks);
  const depth = new Map<string, number>();
  let left = tasks.map(task => task.name);
  for (let layer = 0; left.length > 0; layer += 1) {
    const ready = left.filter(name => links.every(link => link.to !== name || depth.has(link.from)));
    const placed = ready.length > 0 ? ready : left;
    placed.forEach(name => depth.set(name, layer));
    left = left.filter(name => !depth.has(name));
  }
  const layers: string[][] = [];
  for (const [name, layer] of depth) {
    (layers[layer] ??= []).push(name);
  }
  layers.slice(1).forEach((layer, number) => {
    const above = layers[number] ?? [];
    const weight = (name: string) => {
      const places = links.filter(link => link.to === name).map(link => above.indexOf(link.from)).filter(place => place >= 0);
      return places.length ? places.reduce((sum, place) => sum + place, 0) / places.length : above.length;
    };
    layer.sort((one, other) => weight(one) - weight(other));
  });
  return layers;
}

/** The block a task uses: its version if it is among `blocks`, else another version of it; null if there is none. */
export function blockOf(task: Task, blocks: readonly Block[]): Block | null {
  const named = blocks.filter(block => block.spec.name === task.block);
  return named.find(block => block.version === task.version) ?? named[0] ?? null;
}

/** The version a task could be moved to: the newest, if it uses another one. `blocks` has the newest first. */
export function newerVersion(task: Task, blocks: readonly Block[]): string | null {
  const newest = blocks.find(block => block.spec.name === task.block);
  return newest && task.version !== null && newest.version !== task.version ? newest.version : null;
}

/** The newest attempt of a task, if that run is of this workflow; of one with `foreach`, what stands for all items. */
export function taskRunOf(run: Run | null, task: string): TaskRun | null {
  return run === null ? null : findTask(run, task);
}

/** Faults that begin with the path of a task (`tasks.train.cpu: …` or `tasks[1].cpu: …`). */
export function faultsOf(faults: readonly string[], tasks: readonly Task[], task: string): string[] {
  const number = tasks.findIndex(one => one.name === task);
  const starts = [`tasks.${task}.`, `tasks.${task}:`, `tasks[${number}].`, `tasks[${number}]:`];
  return faults.filter(fault => starts.some(start => fault.startsWith(start)));
}

/** What keeps a workflow from being saved before anyone is asked; "" if nothing does. */
export function ownFault(workflow: Workflow): string {
  if (!isName(workflow.name)) {
    return 'name: Use up to 50 lower-case letters, digits and single hyphens, as in nightly-sales.';
  }
  return workflow.tasks.length === 0 ? 'tasks: Add at least one block.' : '';
}
