import type { Failure } from '../client/failure';
import type { ImageRequest, Input, InputType, Output } from '../contract';
import { isIdentifier, isName, slug } from './names';
import { DEFAULT_RESOURCES, formatCpu, formatMemory, parseCpu, parseMemory } from './resources';
import { parseValue } from './values';

/** Where an output of a container comes from. */
export type OutputSource = 'file' | 'exit-code';

export interface ImageInput {
  id: number;
  name: string;
  type: InputType;
  /** The default as typed; "" for none. */
  text: string;
  required: boolean;
  secret: boolean;
  description: string;
}

export interface Variable {
  id: number;
  name: string;
  value: string;
}

export interface ImageOutput {
  id: number;
  name: string;
  source: OutputSource;
  /** Absolute path in the container; for files only. */
  path: string;
}

/** A block around an image, as it is being described. Texts are kept as typed. */
export interface ImageForm {
  image: string;
  /** Null while it follows the image's name. */
  name: string | null;
  description: string;
  inputs: ImageInput[];
  environment: Variable[];
  /** One argument a line; nothing is split or quoted. */
  command: string;
  outputs: ImageOutput[];
  cpu: string;
  memory: string;
  /** Number of the next row. */
  next: number;
}

export type ImageEdit =
  | { type: 'image' | 'name' | 'description' | 'command' | 'cpu' | 'memory'; text: string }
  | { type: 'add'; rows: 'inputs' | 'environment' | 'outputs' }
  | { type: 'drop'; rows: 'inputs' | 'environment' | 'outputs'; id: number }
  | { type: 'input'; id: number; change: Partial<ImageInput> }
  | { type: 'variable'; id: number; change: Partial<Variable> }
  | { type: 'output'; id: number; change: Partial<ImageOutput> };

export const emptyImageForm: ImageForm = {
  image: '',
  name: null,
  description: '',
  inputs: [],
  environment: [],
  command: '',
  outputs: [],
  cpu: formatCpu(DEFAULT_RESOURCES.cpu_millicores),
  memory: formatMemory(DEFAULT_RESOURCES.memory_bytes),
  next: 1
};

export function editImage(form: ImageForm, edit: ImageEdit): ImageForm {
  switch (edit.type) {
    case 'image':
    case 'name':
    case 'description':
    case 'command':
    case 'cpu':
    case 'memory':
      return { ...form, [edit.type]: edit.text };
    case 'add': {
      const id = form.next;
      const rows = {
        inputs: { id, name: '', type: 'str', text: '', required: false, secret: false, description: '' },
        environment: { id, name: '', value: '' },
        outputs: { id, name: '', source: 'file', path: '' }
      };
      return { ...form, [edit.rows]: [...form[edit.rows], rows[edit.rows]], next: id + 1 };
    }
    case 'drop':
      return { ...form, [edit.rows]: form[edit.rows].filter(row => row.id !== edit.id) };
    case 'input':
      return { ...form, inputs: changed(form.inputs, edit.id, edit.change) };
    case 'variable':
      return { ...form, environment: changed(form.environment, edit.id, edit.change) };
    case 'output':
      return { ...form, outputs: changed(form.outputs, edit.id, edit.change) };
  }
}

function changed<R extends { id: number }>(rows: R[], id: number, change: Partial<R>): R[] {
  return rows.map(row => (row.id === id ? { ...row, ...change } : row));
}

/** The name the block gets: as typed, else after the image (`ghcr.io/acme/Score:1.2` gives `score`). */
export function nameOf(form: ImageForm): string {
  const repository = form.image.split('@')[0]?.replace(/:[^/:]*$/, '') ?? '';
  return form.name ?? (repository.trim() === '' ? '' : slug(repository));
}

/** What stands for the value of an input in the command and the environment. */
export function inputReference(name: string): string {
  return `\${{ inputs.${name} }}`;
}

const REFERENCES = /\$\{\{\s*inputs\.([^\s}]*)\s*\}\}/g;

function referenced(text: string): string[] {
  return [...text.matchAll(REFERENCES)].map(found => found[1] ?? '');
}

/** The inputs that neither command nor environment mentions, with the variable that each becomes. */
export function ownVariables(form: ImageForm): { input: string; variable: string }[] {
  const mentioned = new Set([form.command, ...form.environment.map(one => one.value)].flatMap(referenced));
  return form.inputs
    .filter(one => isIdentifier(one.name) && !mentioned.has(one.name))
    .map(one => ({ input: one.name, variable: one.name.toUpperCase() }));
}

export function commandOf(form: ImageForm): string[] {
  return form.command.split('\n').filter(line => line !== '');
}

/**
 * Sentences by field: `image`, `name`, `command`, `cpu`, `memory`, `inputs:ID:name`, `inputs:ID:default`,
 * `environment:ID:name`, `environment:ID:value`, `outputs:ID:name`, `outputs:ID:path`.
 */
export type ImageFaults = { [field: string]: string };

/** What keeps a form from being sent. */
export function imageFaults(form: ImageForm): ImageFaults {
  const faults: ImageFaults = {};
  const image = form.image.trim();
  if (image === '') {
    faults['image'] = 'Name an image, as in python:3.11-slim or ghcr.io/acme/score:2.';
  } else if (/\s/.test(image)) {
    faults['image'] = 'An image reference holds no spaces.';
  }
  if (!isName(nameOf(form))) {
    faults['name'] = 'Use up to 50 lower-case letters, digits and single hyphens, as in clean-sales.';
  }
  if (parseCpu(form.cpu) === null) {
    faults['cpu'] = 'Write cores (2, 0.5) or millicores (500m).';
  }
  if (parseMemory(form.memory) === null) {
    faults['memory'] = 'Write for example 512Mi or 4Gi.';
  }
  for (const row of form.inputs) {
    note(faults, `inputs:${row.id}:name`, identifierFault(row.name, form.inputs));
    note(faults, `inputs:${row.id}:default`, defaultFault(row));
  }
  for (const row of form.environment) {
    note(faults, `environment:${row.id}:name`, identifierFault(row.name, form.environment));
    note(faults, `environment:${row.id}:value`, referenceFault(row.value, form));
  }
  for (const row of form.outputs) {
    const relative = row.source === 'file' && !row.path.startsWith('/');
    note(faults, `outputs:${row.id}:name`, identifierFault(row.name, form.outputs));
    note(faults, `outputs:${row.id}:path`, relative ? 'Write an absolute path, as in /out/score.json.' : null);
  }
  note(faults, 'command', referenceFault(form.command, form));
  return faults;
}

function note(faults: ImageFaults, field: string, fault: string | null): void {
  if (fault !== null) {
    faults[field] = fault;
  }
}

function identifierFault(name: string, rows: readonly { name: string }[]): string | null {
  if (!isIdentifier(name)) {
    return name === '' ? 'Give it a name.' : 'Use letters, digits and underscores, not beginning with a digit.';
  }
  return rows.filter(row => row.name === name).length > 1 ? 'Two have this name.' : null;
}

function defaultFault(row: ImageInput): string | null {
  return row.required || row.secret || row.text === '' ? null : parseValue(row.type, row.text).fault;
}

function referenceFault(text: string, form: ImageForm): string | null {
  const known = form.inputs.map(one => one.name);
  return referenced(text).every(name => known.includes(name)) ? null : 'It names an input that is not listed above.';
}

/** The request that a form without faults stands for. */
export function imageRequestOf(form: ImageForm): ImageRequest {
  const cpu_millicores = parseCpu(form.cpu);
  const memory_bytes = parseMemory(form.memory);
  return {
    image: form.image.trim(),
    name: nameOf(form),
    version: null,
    description: form.description.trim(),
    inputs: form.inputs.map(inputOf),
    outputs: form.outputs.map(outputOf),
    command: commandOf(form),
    environment: Object.fromEntries(form.environment.map(row => [row.name, row.value])),
    resources: cpu_millicores === null || memory_bytes === null ? null : { cpu_millicores, memory_bytes }
  };
}

function inputOf({ name, type, text, required, secret, description }: ImageInput): Input {
  const plain = !required && !secret && text !== '';
  return {
    name,
    type: secret ? 'str' : type,
    default: plain ? parseValue(type, text).value : null,
    required: required || secret,
    description: description.trim(),
    secret
  };
}

function outputOf({ name, source, path }: ImageOutput): Output {
  return { name, description: '', source: source === 'file' ? path : 'exit-code', type: null };
}

/** Failures of the service by field, and what is said of no field in particular (null if all is). */
export interface Answered {
  fields: ImageFaults;
  rest: Failure | null;
}

/**
 * Where to show what the service says against a form.
 *
 * Faults begin with where they are (`inputs[0].default: …`). A failure without faults is the image's if it
 * names the image, a row's if it names the row.
 */
export function answeredFaults(failure: Failure, form: ImageForm): Answered {
  const fields: ImageFaults = {};
  const rest = failure.faults.filter(fault => {
    const [, path, text] = /^([\w.[\]-]+): (.*)$/s.exec(fault) ?? [];
    const field = path === undefined ? null : fieldAt(path, form);
    if (field === null || text === undefined) {
      return true;
    }
    fields[field] = text;
    return false;
  });
  if (failure.faults.length > 0) {
    return { fields, rest: rest.length > 0 ? { ...failure, faults: rest } : null };
  }
  const field = fieldNamed(failure, form);
  return field === null
    ? { fields, rest: failure }
    : { fields: { [field]: [failure.message, failure.hint].filter(part => part !== '').join(' ') }, rest: null };
}

function fieldAt(path: string, form: ImageForm): string | null {
  const [, head, at] = /^(\w+)(?:\[(\d+)\]|\.([\w-]+))?/.exec(path)?.map(part => part as string | undefined) ?? [];
  if (head === 'inputs' || head === 'outputs' || head === 'environment') {
    const key = at ?? /^\w+\.([\w-]+)/.exec(path)?.[1];
    const rows: readonly { id: number; name: string }[] = form[head];
    const row = rows.find((one, place) => String(place) === key || one.name === key);
    return row ? `${head}:${row.id}:${partAt(head, path)}` : null;
  }
  if (head === 'resources') {
    return path.includes('cpu') ? 'cpu' : 'memory';
  }
  return head === 'image' || head === 'name' || head === 'command' ? head : null;
}

/** The part of a row that the end of a path names; its name where it names no other. */
function partAt(rows: 'inputs' | 'outputs' | 'environment', path: string): string {
  if (rows === 'environment') {
    return 'value';
  }
  return path.endsWith('.default') ? 'default' : path.endsWith('.source') ? 'path' : 'name';
}

function fieldNamed({ message }: Failure, form: ImageForm): string | null {
  const image = form.image.trim();
  if (image !== '' && message.includes(image)) {
    return 'image';
  }
  const words = message.split(/[^\w]+/);
  const named = <R extends { name: string }>(rows: readonly R[], kind: string) =>
    new RegExp(`\\b${kind}\\b`, 'i').test(message) ? rows.find(row => row.name !== '' && words.includes(row.name)) : undefined;
  const output = named(form.outputs, 'output');
  const input = named(form.inputs, 'input');
  if (output) {
    return `outputs:${output.id}:${output.source === 'file' && message.includes(output.path) ? 'path' : 'name'}`;
  }
  return input ? `inputs:${input.id}:name` : null;
}
