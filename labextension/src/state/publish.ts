import type { FileFact, Finding, Input, Inspection, Package, PublishRequest, Resources, SecretFact } from '../contract';
import { isIdentifier, isName, slug } from './names';
import { canonical } from './requirements';
import { DEFAULT_RESOURCES, formatCpu, formatMemory, parseCpu, parseMemory } from './resources';
import { formatValue, parseValue } from './values';

/** One row of the inputs table, as it is being edited. */
export interface InputRow {
  input: Input;
  text: string;
}

/** A package or import that is left out; `was` is the package it had been, null for an import. */
export interface Removed {
  name: string;
  was: Package | null;
}

/** A package held to versions the user chose; `was` is what analysis had found. */
export interface Pin {
  line: string;
  was: Package;
}

export type Proof = 'run' | 'import' | 'none';

/** Everything a user can change before publishing. Texts are kept as typed. */
export interface PublishForm {
  path: string;
  name: string;
  description: string;
  cpu: string;
  memory: string;
  inputs: InputRow[];
  /** Requirement lines the user added. */
  add: string[];
  /** By canonical name. */
  pins: { [name: string]: Pin };
  removed: Removed[];
  /** The requirement that brings a module nothing explained, by module. */
  answers: { [module: string]: string };
  /** Whether a file goes in, by path; only where the user said so. */
  files: { [path: string]: boolean };
  addSystem: string[];
  removeSystem: string[];
  /** Names of secrets in cells that become secret inputs. */
  secrets: string[];
  /** Null: what analysis proposes. */
  proof: Proof | null;
  /** An OCI platform, as in linux/arm64; "" for the server's own. */
  platform: string;
  /** Instructions added to the generated Dockerfile, one a line. */
  dockerfileLines: string;
  /** Key of the row that changed the packages last; what the resolver says against it is shown there. */
  touched: string;
}

export type PublishEdit =
  | { type: 'name' | 'description' | 'cpu' | 'memory' | 'platform' | 'dockerfileLines'; text: string }
  | { type: 'input'; name: string; change: Partial<Pick<Input, 'type' | 'required' | 'description' | 'secret'>> }
  | { type: 'default'; name: string; text: string }
  | { type: 'add-requirement' | 'drop-requirement'; line: string }
  | { type: 'pin'; was: Package; line: string }
  | { type: 'unpin'; name: string }
  | { type: 'remove'; name: string; was: Package | null }
  | { type: 'restore'; name: string }
  | { type: 'answer'; module: string; line: string }
  | { type: 'drop-answer'; module: string }
  | { type: 'file'; path: string; keep: boolean }
  | { type: 'add-system' | 'drop-system'; name: string }
  | { type: 'system'; name: string; keep: boolean }
  | { type: 'secret'; name: string; on: boolean }
  | { type: 'proof'; proof: Proof };

/** The form for a notebook, filled with what analysis found. */
export function formOf(path: string, inspection: Inspection): PublishForm {
  return {
    path,
    name: slug(path),
    description: '',
    cpu: formatCpu(DEFAULT_RESOURCES.cpu_millicores),
    memory: formatMemory(DEFAULT_RESOURCES.memory_bytes),
    inputs: inspection.facts.inputs.map(rowOf),
    add: [],
    pins: {},
    removed: [],
    answers: {},
    files: {},
    addSystem: [],
    removeSystem: [],
    secrets: [],
    proof: null,
    platform: '',
    dockerfileLines: '',
    touched: ''
  };
}

const rowOf = (input: Input): InputRow => ({ input, text: formatValue(input.default) });

/** The same edits over a newer reading of the notebook: inputs that were not touched follow it. */
export function rebaseForm(form: PublishForm, before: Inspection, after: Inspection): PublishForm {
  const edited = new Map(editedRows(form, before).map(row => [row.input.name, row]));
  return { ...form, inputs: after.facts.inputs.map(input => edited.get(input.name) ?? rowOf(input)) };
}

function editedRows(form: PublishForm, inspection: Inspection): InputRow[] {
  const found = new Map(inspection.facts.inputs.map(input => [input.name, JSON.stringify(rowOf(input))]));
  return form.inputs.filter(row => JSON.stringify(row) !== found.get(row.input.name));
}

export function editForm(form: PublishForm, edit: PublishEdit): PublishForm {
  switch (edit.type) {
    case 'name':
    case 'description':
    case 'cpu':
    case 'memory':
    case 'platform':
    case 'dockerfileLines':
      return { ...form, [edit.type]: edit.text };
    case 'input':
      return mapInput(form, edit.name, row => ({ ...row, input: { ...row.input, ...edit.change } }));
    case 'default':
      return mapInput(form, edit.name, row => ({ ...row, text: edit.text }));
    case 'add-requirement': {
      const line = edit.line.trim();
      return { ...form, add: withItem(form.add, line), touched: `add:${line}` };
    }
    case 'drop-requirement':
      return { ...form, add: without(form.add, edit.line), touched: 'add' };
    case 'pin': {
      const name = canonical(edit.was.name);
      // What was found at first is what unpinning goes back to.
      const was = form.pins[name]?.was ?? edit.was;
      return { ...form, pins: { ...form.pins, [name]: { line: edit.line, was } }, touched: `package:${name}` };
    }
    case 'unpin':
      return { ...form, pins: omit(form.pins, edit.name), touched: `package:${edit.name}` };
    case 'remove': {
      const name = canonical(edit.name);
      const others = form.removed.filter(one => canonical(one.name) !== name);
      const was = form.pins[name]?.was ?? edit.was;
      const removed = [...others, { name: edit.name, was }];
      return { ...form, pins: omit(form.pins, name), removed, touched: `package:${name}` };
    }
    case 'restore': {
      const removed = form.removed.filter(one => one.name !== edit.name);
      return { ...form, removed, touched: `package:${canonical(edit.name)}` };
    }
    case 'answer': {
      const line = edit.line.trim();
      return { ...form, answers: { ...form.answers, [edit.module]: line }, touched: `answer:${edit.module}` };
    }
    case 'drop-answer':
      return { ...form, answers: omit(form.answers, edit.module), touched: 'add' };
    case 'file':
      return { ...form, files: { ...form.files, [edit.path]: edit.keep } };
    case 'add-system':
      return { ...form, addSystem: withItem(form.addSystem, edit.name.trim()) };
    case 'drop-system':
      return { ...form, addSystem: without(form.addSystem, edit.name) };
    case 'system':
      return {
        ...form,
        removeSystem: edit.keep ? without(form.removeSystem, edit.name) : withItem(form.removeSystem, edit.name)
      };
    case 'secret':
      return { ...form, secrets: edit.on ? withItem(form.secrets, edit.name) : without(form.secrets, edit.name) };
    case 'proof':
      return { ...form, proof: edit.proof };
  }
}

function mapInput(form: PublishForm, name: string, change: (row: InputRow) => InputRow): PublishForm {
  return { ...form, inputs: form.inputs.map(row => (row.input.name === name ? change(row) : row)) };
}

function withItem(items: string[], item: string): string[] {
  return item === '' || items.includes(item) ? items : [...items, item];
}

function without(items: string[], item: string): string[] {
  return items.filter(one => one !== item);
}

function omit<T>(items: { [key: string]: T }, key: string): { [key: string]: T } {
  return Object.fromEntries(Object.entries(items).filter(([name]) => name !== key));
}

/** What the resolver must know of the edits: requirement lines to add, names to leave out. */
export interface Changes {
  add: string[];
  remove: string[];
}

export function changesOf(form: PublishForm): Changes {
  const answers = Object.entries(form.answers);
  // The module is explained then: unless its package has the same name, nothing else may be found for it.
  const explained = answers.filter(([module, line]) => canonical(module) !== canonical(bare(line)));
  return {
    add: unique([...form.add, ...Object.values(form.pins).map(pin => pin.line), ...answers.map(([, line]) => line)]),
    remove: unique([...form.removed.map(one => one.name), ...explained.map(([module]) => module)])
  };
}

const bare = (line: string): string => /^[\w.-]*/.exec(line)?.[0] ?? line;

function unique(items: string[]): string[] {
  return [...new Set(items)];
}

export function sameChanges(one: Changes, other: Changes): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether the form still says what analysis found. */
export function isUntouched(form: PublishForm, inspection: Inspection): boolean {
  return JSON.stringify({ ...form, touched: '' }) === JSON.stringify(formOf(form.path, inspection));
}

/** What keeps a form from being sent: sentences by field (`name`, `cpu`, `memory`, `input:NAME`, `file:PATH`). */
export function formFaults(form: PublishForm, files: readonly FileFact[]): { [field: string]: string } {
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
  for (const file of files) {
    if (file.large && form.files[file.path] === undefined) {
      faults[`file:${file.path}`] = 'Say whether this large file goes in.';
    }
  }
  return faults;
}

function defaultFault(input: Input, text: string): string | null {
  return hasNoDefault(input) || text === '' ? null : parseValue(input.type, text).fault;
}

/** A secret is given by reference at each run, and never has a default. */
const hasNoDefault = (input: Input): boolean => input.required || input.secret;

/** The inputs that secrets in cells become, beside those of the form. */
export function secretInputs(form: PublishForm): Input[] {
  const names = form.secrets.filter(name => !form.inputs.some(row => row.input.name === name));
  return unique(names).map(name => ({ name, type: 'str', default: null, required: true, description: '', secret: true }));
}

/** Whether a secret can become an input by choice: one that stands in the code under a name. */
export function isConvertible(secret: SecretFact): boolean {
  return secret.name !== '' && secret.source !== 'environment';
}

/** Whether a secret stands in a file beside the notebook, which can be left out. */
export function isInFile(secret: SecretFact): boolean {
  return secret.place.cell === null && secret.source === 'file';
}

/** The findings that stop a publish as the form stands. */
export function openErrors(inspection: Inspection, form: PublishForm): Finding[] {
  const answered = inspection.facts.secrets.filter(
    one => (isConvertible(one) && form.secrets.includes(one.name)) || (isInFile(one) && form.files[one.place.file] === false)
  );
  return inspection.facts.findings.filter(
    finding =>
      finding.severity === 'error' &&
      !(finding.code === 'secret' && answered.some(secret => samePlace(secret.place, finding.place)))
  );
}

/** The imports that nothing explains and the user has not decided on. */
export function openImports(inspection: Inspection, form: PublishForm): string[] {
  const { remove } = changesOf(form);
  return inspection.unresolved.filter(module => !remove.includes(module));
}

/** The secret a finding is about; undefined where it is about something else. */
export function secretOf(finding: Finding, inspection: Inspection): SecretFact | undefined {
  return finding.code === 'secret'
    ? inspection.facts.secrets.find(secret => samePlace(secret.place, finding.place))
    : undefined;
}

/** The large files that the user has not decided on. */
export function undecidedFiles(inspection: Inspection, form: PublishForm): FileFact[] {
  return inspection.facts.files.filter(file => fileKept(form, file) === null);
}

function samePlace(one: SecretFact['place'], other: Finding['place']): boolean {
  return other !== null && one.file === other.file && one.cell === other.cell && one.line === other.line;
}

/** How the block will be proven. */
export function proofOf(form: PublishForm, inspection: Inspection): Proof {
  return form.proof ?? (inspection.proof === 'import' ? 'import' : 'run');
}

/** Whether a file goes in; null while a large one waits for the user's word. */
export function fileKept(form: PublishForm, file: FileFact): boolean | null {
  return form.files[file.path] ?? (file.large ? null : true);
}

/** Bytes of the files that go in. */
export function filesSize(form: PublishForm, files: readonly FileFact[]): number {
  return files.reduce((sum, file) => sum + (fileKept(form, file) === true ? file.size : 0), 0);
}

/** The request a form without faults stands for. */
export function requestOf(form: PublishForm, inspection: Inspection): PublishRequest {
  const { files, secrets } = inspection.facts;
  return {
    path: form.path,
    name: form.name,
    version: null,
    description: form.description.trim(),
    kernel: null,
    no_kernel: false,
    base: null,
    builder: null,
    // Null: those that the notebook has.
    inputs:
      editedRows(form, inspection).length === 0
        ? null
        : form.inputs.map(({ input, text }) => ({ ...input, default: defaultOf(input, text) })),
    ...changesOf(form),
    include_files: files.filter(file => file.large && form.files[file.path] === true).map(file => file.path),
    exclude_files: unique([...files.map(file => file.path), ...secrets.filter(isInFile).map(one => one.place.file)]).filter(
      path => form.files[path] === false
    ),
    add_system: form.addSystem,
    remove_system: form.removeSystem,
    secrets: form.secrets.filter(name => secrets.some(one => one.name === name)),
    resources: resourcesOf(form),
    verify: form.proof !== 'none',
    proof: form.proof === 'none' ? null : form.proof,
    live: null,
    platform: form.platform.trim() || null,
    dockerfile_lines: form.dockerfileLines.split('\n').filter(line => line.trim() !== ''),
    dockerfile: null
  };
}

function defaultOf(input: Input, text: string): Input['default'] {
  // An empty field of a text input whose default was nothing still means nothing.
  if (hasNoDefault(input) || (text === '' && (input.type !== 'str' || input.default === null))) {
    return null;
  }
  return parseValue(input.type, text).value;
}

function resourcesOf(form: PublishForm): Resources | null {
  const cpu = parseCpu(form.cpu);
  const memory = parseMemory(form.memory);
  return cpu === null || memory === null ? null : { cpu_millicores: cpu, memory_bytes: memory };
}
