import type {
  Block,
  Check,
  Inspection,
  LogPart,
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
  startPublish = (request: PublishRequest) => this.call<{ id: string }>('POST', 'publishes', request);
  publish = (id: string) => this.get<Publish>(at('publishes', id));
  cancelPublish = (id: string) => this.call<Publish>('DELETE', at('publishes', id));

  blocks = async () => (await this.get<{ blocks: Block[] }>('blocks')).blocks;
  blockVersions = async (name: string) => (await this.get<{ blocks: Block[] }>(at('blocks', name))).blocks;
  dockerfile = async (name: string, version: string) =>
    (await this.get<{ dockerfile: string }>(at('blocks', name, version, 'dockerfile'))).dockerfile;

  projects = async () => (await this.get<{ projects: ProjectUse[] }>('projects')).projects;
  workflows = async () => (await this.get<{ workflows: WorkflowRow[] }>('workflows')).workflows;
  workflow = (project: string, name: string) => this.get<Workflow>(at('workflows', project, name));
  checkWorkflow = (workflow: Workflow) => this.call<Check>('POST', 'workflows/check', workflow);
  saveWorkflow = (workflow: Workflow) =>
    this.call<Workflow>('PUT', at('workflows', workflow.project, workflow.name), workflow);
  deleteWorkflow = (project: string, name: string) => this.call<null>('DELETE', at('workflows', project, name));
  startWorkflow = (project: string, name: string) => this.call<Run>('POST', at('workflows', project, name, 'start'));
  pauseWorkflow = (project: string, name: string, paused: boolean) =>
    this.call<Workflow>('POST', at('workflows', project, name, paused ? 'pause' : 'resume'));

  /** Newest first. */
  runs = async (only: { project?: string; workflow?: string; limit: number }) => {
    const query = new URLSearchParams({ ...only, limit: String(only.limit) });
    return (await this.get<{ runs: Run[] }>(`runs?${query.toString()}`)).runs;
  };
  run = (id: string) => this.get<Run>(at('runs', id));
  runBlock = (request: RunRequest) => this.call<Run>('POST', 'runs', request);
  cancelRun = (id: string) => this.call<Run>('POST', at('runs', id, 'cancel'));
  rerun = (id: string) => this.call<Run>('POST', at('runs', id, 'rerun'));
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
