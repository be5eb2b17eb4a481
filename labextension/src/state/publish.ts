import type { FileFact, Input, Inspection, Package, Publish, PublishRequest, Resources, Step } from '../contract';
import { isIdentifier, isName, slug } from './names';
import { DEFAULT_RESOURCES, formatCpu, formatMemory, parseCpu, parseMemory } from './resources';
import { formatValue, parseValue } from './values';

/** One row of the inputs table, as it is being edited. */
export interface InputRow {
  input: Input;
  text: string;
}

/** Everything a user can change before publishing. Texts are kept as typed. */
export interface PublishForm {
  path: string;
  name: string;
  description: string;
  cpu: string;
  memory: string;
  inputs: InputRow[];
  add: string[];
  remove: string[];
  excludeFiles: string[];
  verify: boolean;
}

export type PublishEdit =
  | { type: 'name' | 'description' | 'cpu' | 'memory'; text: string }
  | { type: 'verify'; on: boolean }
  | { type: 'input'; name: string; change: Partial<Pick<Input, 'type' | 'required' | 'description' | 'secret'>> }
  | { type: 'default'; name: string; text: string }
  | { type: 'add-requirement'; line: string }
  | { type: 'drop-requirement'; line: string }
  | { type: 'package' | 'file'; name: string; keep: boolean };

/** The form for a notebook, filled with what analysis found. */
export function formOf(path: string, inspection: Inspection): PublishForm {
  return {
    path,
    name: slug(path),
    description: '',
    cpu: formatCpu(DEFAULT_RESOURCES.cpu_millicores),
    memory: formatMemory(DEFAULT_RESOURCES.memory_bytes),
    inputs: inspection.facts.inputs.map(input => ({ input, text: formatValue(input.default) })),
    add: [],
    remove: [],
    excludeFiles: [],
    verify: true
  };
}

export function editForm(form: PublishForm, edit: PublishEdit): PublishForm {
  switch (edit.type) {
    case 'name':
    case 'description':
    case 'cpu':
    case 'memory':
      return { ...form, [edit.type]: edit.text };
    case 'verify':
      return { ...form, verify: edit.on };
    case 'input':
      return mapInput(form, edit.name, row => ({ ...row, input: { ...row.input, ...edit.change } }));
    case 'default':
      return mapInput(form, edit.name, row => ({ ...row, text: edit.text }));
    case 'add-requirement':
      return { ...form, add: withItem(form.add, edit.line.trim()) };
    case 'drop-requirement':
      return { ...form, add: form.add.filter(line => line !== edit.line) };
    case 'package':
      return { ...form, remove: edit.keep ? form.remove.filter(one => one !== edit.name) : withItem(form.remove, edit.name) };
    case 'file':
      return {
        ...form,
        excludeFiles: edit.keep
          ? form.excludeFiles.filter(one => one !== edit.name)
          : withItem(form.excludeFiles, edit.name)
      };
  }
}

function mapInput(form: PublishForm, name: string, change: (row: InputRow) => InputRow): PublishForm {
  return { ...form, inputs: form.inputs.map(row => (row.input.name === name ? change(row) : row)) };
}

function withItem(items: string[], item: string): string[] {
  return item === '' || items.includes(item) ? items : [...items, item];
}

/** What keeps a form from being sent: sentences by field (`name`, `cpu`, `memory`, `input:NAME`). */
export function formFaults(form: PublishForm): { [field: string]: string } {
  const faults: { [field: string]: string } = {};
  if (!isName(form.name)) {
    faults['name'] = 'Use up to 50 lower-case letters, digits and single hyphens, as in clean-sales.';
  }
  if (parseCpu(form.cpu) === null) {
    faults['cpu'] = 'Write cores (2, 0.5) or millicores (500m).';
  }
  if (parseMemory(form.memory) === null) {
    faults['memory'] = 'Write for example 512Mi or 4Gi.';
  }
  for (const { input, text } of form.inputs) {
    const fault = isIdentifier(input.name) ? defaultFault(input, text) : 'Not an input name.';
    if (fault !== null) {
      faults[`input:${input.name}`] = fault;
    }
  }
  return faults;
}

function defaultFault(input: Input, text: string): string | null {
  return input.required || text === '' ? null : parseValue(input.type, text).fault;
}

/** The request a form without faults stands for. */
export function requestOf(form: PublishForm): PublishRequest {
  return {
    path: form.path,
    name: form.name,
    version: null,
    description: form.description.trim(),
    kernel: null,
    no_kernel: false,
    base: null,
    builder: null,
    inputs: form.inputs.map(({ input, text }) => ({ ...input, default: defaultOf(input, text) })),
    add: form.add,
    remove: form.remove,
    include_files: [],
    add_system: [],
    remove_system: [],
    secrets: [],
    proof: null,
    live: null,
    exclude_files: form.excludeFiles,
    resources: resourcesOf(form),
    verify: form.verify
  };
}

function defaultOf(input: Input, text: string): Input['default'] {
  // An empty field of a text input whose default was nothing still means nothing.
  if (input.required || (text === '' && (input.type !== 'str' || input.default === null))) {
    return null;
  }
  return parseValue(input.type, text).value;
}

function resourcesOf(form: PublishForm): Resources | null {
  const cpu = parseCpu(form.cpu);
  const memory = parseMemory(form.memory);
  return cpu === null || memory === null ? null : { cpu_millicores: cpu, memory_bytes: memory };
}

/** Packages the notebook asks for itself, and those that came along with them. */
export function splitPackages(packages: readonly Package[]): { direct: Package[]; along: Package[] } {
  return {
    direct: packages.filter(one => one.witness !== 'dependency'),
    along: packages.filter(one => one.witness === 'dependency')
  };
}

/** Bytes of the files that go in. */
export function filesSize(files: readonly FileFact[], excluded: readonly string[]): number {
  return files.reduce((sum, file) => sum + (excluded.includes(file.path) ? 0 : file.size), 0);
}

export const STEPS: readonly Step[] = ['analyse', 'resolve', 'build', 'verify', 'register'];

export type StepState = 'pending' | 'active' | 'done' | 'skipped' | 'failed' | 'cancelled';

export interface StepView {
  step: Step;
  state: StepState;
  /** The last thing it said; "" before it began. */
  message: string;
  /** Between 0 and 1; null when unknown. */
  share: number | null;
}

/** How far a publish is, step by step, from its events. */
export function stepsOf(publish: Publish): StepView[] {
  const last = publish.events.at(-1);
  const current = last ? STEPS.indexOf(last.step) : 0;
  return STEPS.map((step, number) => {
    const events = publish.events.filter(event => event.step === step);
    const latest = events.at(-1);
    const share = latest?.total ? Math.min(1, (latest.done ?? 0) / latest.total) : null;
    return { step, state: stepState(publish, number, current, events.length > 0), message: latest?.message ?? '', share };
  });
}

function stepState(publish: Publish, number: number, current: number, seen: boolean): StepState {
  if (publish.state === 'succeeded') {
    return seen ? 'done' : 'skipped';
  }
  if (number < current) {
    return seen ? 'done' : 'skipped';
  }
  if (number > current) {
    return 'pending';
  }
  return publish.state === 'running' ? 'active' : publish.state;
}

/** The log of a publish: one line an event. */
export function publishLog(publish: Publish): string {
  return publish.events.map(event => `${event.step.padEnd(9)} ${event.message}`).join('\n');
}
