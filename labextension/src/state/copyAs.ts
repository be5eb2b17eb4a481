/** The same deed in other words: the line of a magic, a command, a file or Python that does what a form does. */
import type { Input, Json, PublishRequest, RunRequest } from '../contract';
import { formatCpu, formatMemory } from './resources';
import { formatValue } from './values';

export type Way = 'magic' | 'command' | 'yaml' | 'python';

/** A text for each way that there is; those that the service must write come later. */
export type Ways = { [way in Way]?: () => string | Promise<string> };

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** One word of a line magic: split as a shell does, after IPython has filled in what stands in braces. */
export function magicWord(text: string): string {
  return shellWord(text).replace(/[{}]/g, '$&$&');
}

/** A JSON value as Python writes it. */
export function pythonValue(value: Json): string {
  if (value === null) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(one => pythonValue(one as Json)).join(', ')}]`;
  }
  if (typeof value === 'object') {
    return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pythonValue(one as Json)}`).join(', ')}}`;
  }
  return JSON.stringify(value);
}

const CONNECT = 'from lentiq_jupyter.connect import connect\n';

/** A run of a block. What an input keeps secret is a reference, never a value, and is left to the service. */
export function runWays(request: RunRequest): Ways {
  const { block, project, resources } = request;
  const given = Object.entries(request.inputs ?? {}).filter(([, value]) => !isSecret(value));
  const options = [
    ...given.flatMap(([name, value]) => ['-i', `${name}=${formatValue(value)}`]),
    ...amounts(resources),
    ...(project && project !== 'default' ? ['--project', project] : [])
  ];
  const python = [
    `connect().run_block(${JSON.stringify(block)}, ${pythonValue(Object.fromEntries(given))}`,
    ...(resources ? [pythonResources(resources)] : []),
    `project=${JSON.stringify(project ?? 'default')})`
  ].join(', ');
  const imports = resources ? 'from lentiq_jupyter.model import Resources\n' : '';
  return {
    magic: () => ['%lentiq run', ...[block, ...options].map(magicWord)].join(' '),
    command: () => ['lentiq run', ...[block, ...options].map(shellWord)].join(' '),
    python: () => `${CONNECT}${imports}\nrun = ${python}\n`
  };
}

/** A publish. Inputs described otherwise have no option: Python alone says them. */
export function publishWays(request: PublishRequest): Ways {
  const repeated: [string, readonly string[] | undefined][] = [
    ['--add', request.add],
    ['--remove', request.remove],
    ['--include', request.include_files],
    ['--exclude', request.exclude_files],
    ['--add-system', request.add_system],
    ['--remove-system', request.remove_system],
    ['--secret', request.secrets]
  ];
  const options = [
    ...(request.name ? ['--name', request.name] : []),
    ...(request.description ? ['--description', request.description] : []),
    ...repeated.flatMap(([option, values]) => (values ?? []).flatMap(value => [option, value])),
    ...amounts(request.resources),
    ...(request.verify === false ? ['--no-verify'] : request.proof ? ['--proof', request.proof] : [])
  ];
  const more = [
    ...(request.platform ? ['--platform', request.platform] : []),
    ...(request.dockerfile_lines ?? []).flatMap(line => ['--dockerfile-line', line])
  ];
  const fields = Object.entries(request).flatMap(([name, value]) => pythonField(name, value as Json | undefined));
  const records = [...(request.inputs ? ['Input', 'InputType'] : []), 'PublishRequest', ...(request.resources ? ['Resources'] : [])];
  const magic = () => ['%lentiq publish', ...[request.path, ...options].map(magicWord)].join(' ');
  const command = () => ['lentiq publish', ...[request.path, ...options, ...more].map(shellWord)].join(' ');
  return {
    ...(request.inputs || more.length > 0 ? {} : { magic }),
    ...(request.inputs ? {} : { command }),
    python: () =>
      `${CONNECT}from lentiq_jupyter.model import ${records.join(', ')}\n\nresult = connect().publish(PublishRequest(${fields.join(', ')}))\n`
  };
}

/** A workflow, saved; `yaml` writes its file, `path` is where that is kept, if it is. */
export function workflowWays(name: string, yaml: () => Promise<string>, path: string | null = null): Ways {
  return {
    magic: async () => `%%lentiq workflow ${magicWord(name)}\n${await yaml()}`,
    command: async () =>
      path === null
        ? `lentiq workflow apply - <<'END'\n${await yaml()}END\n`
        : `lentiq workflow apply ${shellWord(path)}`,
    yaml,
    python: async () =>
      `${CONNECT}\nservice = connect()\nworkflow = service.read_workflow(${pythonText(await yaml())})\nsaved = service.save_workflow(workflow)\n`
  };
}

/** A run, looked at; `yaml` writes the workflow that it runs. */
export function lookWays(id: string, yaml: () => Promise<string>): Ways {
  return {
    magic: () => `%lentiq watch ${magicWord(id)}`,
    command: () => `lentiq runs show ${shellWord(id)}`,
    yaml,
    python: () => `${CONNECT}\nrun = connect().run(${JSON.stringify(id)})\n`
  };
}

function isSecret(value: Json): boolean {
  return typeof value === 'string' && /^\$\{\{\s*secrets\./.test(value);
}

function amounts(resources: RunRequest['resources']): string[] {
  return resources
    ? ['--cpu', formatCpu(resources.cpu_millicores), '--memory', formatMemory(resources.memory_bytes)]
    : [];
}

function pythonResources(resources: NonNullable<RunRequest['resources']>): string {
  return `resources=Resources(cpu_millicores=${resources.cpu_millicores}, memory_bytes=${resources.memory_bytes})`;
}

function pythonField(name: string, value: Json | undefined): string[] {
  const empty = value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  const plain = empty || value === false || (name === 'verify' && value === true);
  if (name === 'verify' && value === false) {
    return ['verify=False'];
  }
  if (plain) {
    return [];
  }
  if (name === 'resources') {
    return [pythonResources(value as unknown as NonNullable<RunRequest['resources']>)];
  }
  if (name === 'inputs') {
    return [`inputs=(${(value as unknown as Input[]).map(one => `${pythonInput(one)},`).join(' ')})`];
  }
  return [`${name}=${Array.isArray(value) ? `(${value.map(one => `${pythonValue(one as Json)},`).join(' ')})` : pythonValue(value)}`];
}

function pythonInput(input: Input): string {
  const { name, type, default: value, required, description, secret } = input;
  const fields = [
    `name=${JSON.stringify(name)}`,
    ...(type === 'str' ? [] : [`type=InputType(${JSON.stringify(type)})`]),
    ...(value === null ? [] : [`default=${pythonValue(value)}`]),
    ...(required ? ['required=True'] : []),
    ...(description ? [`description=${JSON.stringify(description)}`] : []),
    ...(secret ? ['secret=True'] : [])
  ];
  return `Input(${fields.join(', ')})`;
}

function pythonText(text: string): string {
  return `"""${text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"')}"""`;
}
