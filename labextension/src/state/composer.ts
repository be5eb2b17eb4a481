import type { Block, Resources, Run, Schedule, Task, TaskRun, Values, Workflow } from '../contract';
import { withCopies } from './copies';
import { canWait, relinked, unlinked } from './links';
import { freeName, isName, slug } from './names';
import { findTask } from './states';
import { upgraded, type Upgrade } from './upgrade';

/** One change of a workflow under composition. */
export type Edit =
  | { type: 'name' | 'project' | 'description'; text: string }
  | { type: 'add-task'; block: Block }
  | { type: 'remove'; tasks: readonly string[]; links: readonly { from: string; to: string }[] }
  | { type: 'rename-task'; task: string; name: string }
  | { type: 'upgrade'; upgrades: readonly Upgrade[] }
  | { type: 'inputs'; task: string; inputs: Values }
  | { type: 'resources'; task: string; resources: Resources }
  | { type: 'after'; task: string; on: string; waits: boolean }
  | { type: 'conduct'; task: string; change: Partial<Conduct> }
  | { type: 'copies'; of: readonly Task[] }
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
    case 'remove':
      return edit.tasks.length + edit.links.length > 0 ? remove(workflow, edit.tasks, edit.links) : workflow;
    case 'rename-task':
      return renameTask(workflow, edit.task, edit.name);
    case 'upgrade':
      return edit.upgrades.reduce((now, one) => mapTask(now, one.task, task => upgraded(task, one)), workflow);
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
    case 'copies':
      return edit.of.length > 0 ? withCopies(workflow, edit.of) : workflow;
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

function remove(workflow: Workflow, gone: readonly string[], links: readonly { from: string; to: string }[]): Workflow {
  const tasks = workflow.tasks
    .filter(task => !gone.includes(task.name))
    .map(task => unlinked(task, name => gone.includes(name) || links.some(link => link.to === task.name && link.from === name)));
  return { ...workflow, tasks };
}

/** What an edit is about: edits of the same thing in quick succession are undone as one; null for a step of its own. */
export function aboutOf(edit: Edit): string | null {
  switch (edit.type) {
    case 'add-task':
    case 'remove':
    case 'copies':
    case 'after':
    case 'upgrade':
      return null;
    case 'conduct':
      return [edit.type, edit.task, ...Object.keys(edit.change)].join(' ');
    default:
      return 'task' in edit ? `${edit.type} ${edit.task}` : edit.type;
  }
}

function renameTask(workflow: Workflow, from: string, to: string): Workflow {
  if (from === to || !isName(to) || workflow.tasks.some(task => task.name === to)) {
    return workflow;
  }
  const names = new Map([[from, to]]);
  const tasks = workflow.tasks.map(task => ({ ...relinked(task, names), name: task.name === from ? to : task.name }));
  return { ...workflow, tasks };
}

/** The block a task uses: its version if it is among `blocks`, else another version of it; null if there is none. */
export function blockOf(task: Task, blocks: readonly Block[]): Block | null {
  const named = blocks.filter(block => block.spec.name === task.block);
  return named.find(block => block.version === task.version) ?? named[0] ?? null;
}

/** The newest attempt of a task, if that run is of this workflow; of one with `foreach`, what stands for all items. */
export function taskRunOf(run: Run | null, task: string): TaskRun | null {
  return run === null ? null : findTask(run, task);
}

/** What keeps a workflow from being saved before anyone is asked; "" if nothing does. */
export function ownFault(workflow: Workflow): string {
  if (!isName(workflow.name)) {
    return 'name: Use up to 50 lower-case letters, digits and single hyphens, as in nightly-sales.';
  }
  return workflow.tasks.length === 0 ? 'tasks: Add at least one block.' : '';
}
