import type {
  Block,
  BlockDiff,
  BlockUse,
  Check,
  Drift,
  ImageRequest,
  Inspection,
  LogPart,
  Project,
  ProjectUse,
  Publish,
  PublishRequest,
  Run,
  RunRequest,
  Status,
  Workflow,
  WorkflowRow
} from '../contract';
import { failureOfAnswer, RequestError } from './failure';

/** An HTTP answer, as much of it as is needed here. */
export interface Answer {
  status: number;
  text: string;
}

/**
 * Sends one request to the server.
 *
 * `path` is relative to the `lentiq/` routes, escaped; `body` is a JSON document or undefined.
 * Rejects when the server cannot be reached.
 */
export type Transport = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** The REST interface; methods are named after its routes. All reject with `RequestError`. */
export class Api {
  constructor(private readonly send: Transport) {}

  status = () => this.get<Status>('status');

  /** `changes` are requirement lines to add and names to leave out, as in a publish. */
  inspect = (path: string, kernelId: string | null, changes: Pick<PublishRequest, 'add' | 'remove'>) =>
    this.call<Inspection>('POST', 'inspect', { path, kernel_id: kernelId, ...changes });
  /** How a saved notebook stands to the block made of it; `packages` asks its kernel too, which takes a second. */
  drift = (path: string, kernelId: string | null = null, packages = false) =>
    this.call<Drift>('POST', 'drift', { path, kernel_id: kernelId, packages });
  startPublish = (request: PublishRequest) => this.call<{ id: string }>('POST', 'publishes', request);
  publish = (id: string) => this.get<Publish>(at('publishes', id));
  cancelPublish = (id: string) => this.call<Publish>('DELETE', at('publishes', id));

  /** The newest version of each block that matches; what is left out of `only` matches all. */
  blocks = async (only: { words?: string; owner?: string; input?: string; deprecated?: boolean } = {}) => {
    const said = Object.entries({ ...only, deprecated: only.deprecated === false ? 'false' : '' });
    const query = new URLSearchParams(said.filter(([, value]) => value).map(([name, value]) => [name, String(value)]));
    const path = query.size > 0 ? `blocks?${query.toString()}` : 'blocks';
    return (await this.get<{ blocks: Block[] }>(path)).blocks;
  };
  blockFromImage = (request: ImageRequest) => this.call<Block>('POST', 'blocks', request);
  diffBlocks = (old: string, new_: string) =>
    this.get<BlockDiff>(`blocks/diff?${new URLSearchParams({ old, new: new_ }).toString()}`);
  blockVersions = async (name: string) => (await this.get<{ blocks: Block[] }>(at('blocks', name))).blocks;
  block = (name: string, version: string) => this.get<Block>(at('blocks', name, version));
  /** Tasks of saved workflows that use any version of the block. */
  blockUsers = async (name: string) => (await this.get<{ users: BlockUse[] }>(at('blocks', name, 'users'))).users;
  /** Untrusted Markdown. */
  readme = async (name: string, version: string) =>
    (await this.get<{ readme: string }>(at('blocks', name, version, 'readme'))).readme;
  /** A CycloneDX document. */
  sbom = (name: string, version: string) => this.get<unknown>(at('blocks', name, version, 'sbom'));
  /** `reason` null takes a deprecation back. */
  deprecateBlock = (name: string, version: string, reason: string | null) =>
    this.call<Block>('PUT', at('blocks', name, version, 'deprecation'), { reason });
  removeBlock = (name: string, version: string, force: boolean) =>
    this.call<null>('DELETE', at('blocks', name, version) + (force ? '?force=true' : ''));
  dockerfile = async (name: string, version: string) =>
    (await this.get<{ dockerfile: string }>(at('blocks', name, version, 'dockerfile'))).dockerfile;

  projects = async () => (await this.get<{ projects: ProjectUse[] }>('projects')).projects;
  saveProject = (project: Project) => this.call<Project>('PUT', at('projects', project.name), project);
  workflows = async () => (await this.get<{ workflows: WorkflowRow[] }>('workflows')).workflows;
  workflow = (project: string, name: string) => this.get<Workflow>(at('workflows', project, name));
  checkWorkflow = (workflow: Workflow) => this.call<Check>('POST', 'workflows/check', workflow);
  /** As a YAML file; written into `base`, comments and order of that file stay. */
  workflowText = async (workflow: Workflow, base: string | null = null) =>
    (await this.call<{ text: string }>('POST', 'workflows/text', { workflow, base })).text;
  /** What a YAML file describes; rejects with every fault. */
  readWorkflow = (text: string, project: string) => this.call<Workflow>('POST', 'workflows/read', { text, project });
  saveWorkflow = (workflow: Workflow) =>
    this.call<Workflow>('PUT', at('workflows', workflow.project, workflow.name), workflow);
  deleteWorkflow = (project: string, name: string) => this.call<null>('DELETE', at('workflows', project, name));
  startWorkflow = (project: string, name: string) => this.call<Run>('POST', at('workflows', project, name, 'start'));
  pauseWorkflow = (project: string, name: string, paused: boolean) =>
    this.call<Workflow>('POST', at('workflows', project, name, paused ? 'pause' : 'resume'));
  /** A run for each start of the schedule from `first` to `last`; with `preview` only which these are. */
  backfill = async (project: string, name: string, request: { first: string; last: string; preview: boolean }) => {
    const path = at('workflows', project, name, 'backfill');
    return (await this.call<{ starts: { due_at: string }[] }>('POST', path, request)).starts.map(one => one.due_at);
  };

  /** Newest first. */
  runs = async (only: { project?: string; workflow?: string; limit: number }) => {
    const query = new URLSearchParams({ ...only, limit: String(only.limit) });
    return (await this.get<{ runs: Run[] }>(`runs?${query.toString()}`)).runs;
  };
  run = (id: string) => this.get<Run>(at('runs', id));
  runBlock = (request: RunRequest) => this.call<Run>('POST', 'runs', request);
  /** `task` null stops the whole run. */
  cancelRun = (id: string, task: string | null = null) => this.call<Run>('POST', at('runs', id, 'cancel'), { task });
  /** `fromFailed`: with the results of the tasks that had succeeded. */
  rerun = (id: string, fromFailed = false) =>
    this.call<Run>('POST', at('runs', id, 'rerun'), { from_failed: fromFailed });
  /** `task` is an address here and below: `train`, `train.3` for an item, `train@1` for an attempt. */
  log = (id: string, task: string, offset: number) =>
    this.get<LogPart>(`${at('runs', id, 'tasks', task, 'log')}?offset=${offset}`);
  notebook = (id: string, task: string) => this.get<unknown>(at('runs', id, 'tasks', task, 'notebook'));

  private get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status < 200 || answer.status >= 300) {
      throw new RequestError(failureOfAnswer(answer.status, answer.text));
    }
    return (answer.text ? JSON.parse(answer.text) : null) as T;
  }
}

/** A path of escaped segments. */
function at(...segments: string[]): string {
  return segments.map(encodeURIComponent).join('/');
}
