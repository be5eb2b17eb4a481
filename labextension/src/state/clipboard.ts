/** Tasks on the system's clipboard: text, so that they can be pasted in another composer, tab or window. */
import type { Json, Task, Workflow } from '../contract';
import { PLAIN_TASK } from './composer';
import { isName } from './names';
import { DEFAULT_RESOURCES } from './resources';

const KEY = 'lentiq-tasks';

/** The tasks of those names as text, in the order of the workflow. */
export function copyText(workflow: Workflow, names: readonly string[]): string {
  return JSON.stringify({ [KEY]: workflow.tasks.filter(task => names.includes(task.name)) }, null, 2);
}

/** The tasks in a text that `copyText` gave; null for any other text. */
export function readTasks(text: string): Task[] | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  const tasks: unknown = isObject(found) ? found[KEY] : null;
  const read = Array.isArray(tasks) ? tasks.map(readTask) : [];
  return read.length > 0 && read.every(task => task !== null) ? read : null;
}

/** Anybody may have written that text: what is not as it should be is as in a new task. */
function readTask(given: unknown): Task | null {
  if (!isObject(given) || typeof given['name'] !== 'string' || !isName(given['name']) || typeof given['block'] !== 'string') {
    return null;
  }
  const { name, block, version, inputs, after, resources, ...rest } = given;
  const asked = isObject(resources) ? resources : {};
  const amount = (key: keyof typeof DEFAULT_RESOURCES) => (typeof asked[key] === 'number' ? asked[key] : DEFAULT_RESOURCES[key]);
  const conduct = Object.fromEntries(
    Object.entries(PLAIN_TASK).map(([key, plain]) => {
      const value = rest[key];
      const fits = plain === null ? value !== undefined : typeof value === typeof plain;
      return [key, fits ? value : plain];
    })
  ) as typeof PLAIN_TASK;
  return {
    name: name as string,
    block,
    version: typeof version === 'string' ? version : null,
    inputs: isObject(inputs) ? (inputs as { [input: string]: Json }) : {},
    after: Array.isArray(after) ? after.filter(one => typeof one === 'string') : [],
    resources: { cpu_millicores: amount('cpu_millicores'), memory_bytes: amount('memory_bytes') },
    ...conduct
  };
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
