/** Where in the composer a fault belongs: the service begins each with its place (`tasks.train.inputs.rows: …`). */
import type { Task } from '../contract';

export interface FoundFault {
  /** As the service said it. */
  text: string;
  /** null: of the workflow. */
  task: string | null;
  /** `inputs.rows`, `cpu`, `schedule.cron` …; "" for the whole task or workflow. */
  field: string;
  /** What is wrong, without the place. */
  message: string;
}

/** A fault with its place; tasks are meant by name (`tasks.train…`) or by number (`tasks[1]…`). */
export function findFault(text: string, tasks: readonly Task[]): FoundFault {
  const [, path = '', message = text] = /^([^\s:]+): (.*)$/s.exec(text) ?? [];
  const [, name, number, field = ''] = /^tasks(?:\.([a-z0-9-]+)|\[(\d+)\])(?:\.(.+))?$/.exec(path) ?? [];
  const task = name ?? (number === undefined ? undefined : tasks[Number(number)]?.name);
  if (task !== undefined && tasks.some(one => one.name === task)) {
    return { text, task, field: fieldOf(field, message), message };
  }
  return { text, task: null, field: path, message };
}

/** Amounts have a field each, and a task that never fits is about both. */
function fieldOf(field: string, message: string): string {
  const amount = /^(?:resources\.)?(cpu|memory)(?:_millicores|_bytes)?$/.exec(field);
  return amount || (field === '' && message.startsWith('needs ')) ? 'resources' : field;
}

export function findFaults(texts: readonly string[], tasks: readonly Task[]): FoundFault[] {
  return texts.map(text => findFault(text, tasks));
}

/** What is wrong with one field (`inputs.rows` counts for `inputs.rows`, `inputs.rows[2]` too), or undefined. */
export function faultAt(faults: readonly FoundFault[], field: string): string | undefined {
  const own = faults.filter(one => one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`));
  return own.length > 0 ? own.map(one => one.message).join(' ') : undefined;
}
