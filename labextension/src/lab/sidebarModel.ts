import type { Api } from '../client/api';
import { failureOf, type Failure } from '../client/failure';
import type { Block, Hint, Run, WorkflowRow } from '../contract';
import { initialSidebar, reduceSidebar, type SidebarAction } from '../state/sidebar';
import { isActive, isTaskActive } from '../state/states';
import { createStore } from '../state/store';
import { Feed } from './feed';
import { LogFollower } from './logFollower';

const RUNS_SHOWN = 50;

/** What the sidebar shows, and how it stays fresh. */
export class SidebarModel {
  readonly state = createStore(reduceSidebar, initialSidebar);
  readonly failure = createStore<Failure | null, Failure | null>((_, failure) => failure, null);
  readonly blocks: Feed<Block[]>;
  readonly versions: Feed<Block[]>;
  readonly workflows: Feed<WorkflowRow[]>;
  readonly runs: Feed<Run[]>;
  readonly problems: Feed<string[]>;
  readonly log: LogFollower;

  constructor(api: Api) {
    this.blocks = new Feed({ fetch: api.blocks });
    this.versions = new Feed({
      fetch: () => {
        const name = this.state.get().block;
        return name === null ? Promise.resolve([]) : api.blockVersions(name);
      }
    });
    this.workflows = new Feed({
      fetch: api.workflows,
      active: rows => rows.some(row => row.last_run !== null && isActive(row.last_run.state))
    });
    this.runs = new Feed({
      fetch: () => api.runs({ limit: RUNS_SHOWN }),
      active: runs => runs.some(run => isActive(run.state))
    });
    this.problems = new Feed({ fetch: async () => (await api.status()).problems });
    this.log = new LogFollower(api, (id, name) => {
      const run = this.runs.get().value?.find(one => one.id === id);
      const task = run?.tasks.find(one => one.task.name === name);
      // A run that was started just now is not in the list yet.
      return task ? isTaskActive(task.state) : true;
    });
  }

  dispatch(action: SidebarAction): void {
    const before = this.state.get();
    this.state.dispatch(action);
    const { block, run, task } = this.state.get();
    if (block !== before.block) {
      this.versions.reset();
      void this.versions.refresh();
    }
    this.log.follow(run !== null && task !== null ? { run, task } : null);
  }

  watch(watched: boolean): void {
    this.feeds().forEach(feed => feed.watch(watched));
  }

  refresh(): void {
    this.feeds().forEach(feed => void feed.refresh());
  }

  hinted(hint: Hint): void {
    if (hint.kind === 'blocks') {
      void this.blocks.refresh();
      void this.versions.refresh();
    }
    if (hint.kind === 'workflows' || hint.kind === 'run') {
      void this.workflows.refresh();
    }
    if (hint.kind === 'run') {
      void this.runs.refresh();
    }
  }

  /** Do something on the server; what goes wrong is shown, what changed is fetched. */
  async ask<T>(doing: Promise<T>): Promise<T | null> {
    try {
      const value = await doing;
      this.failure.dispatch(null);
      void this.runs.refresh();
      void this.workflows.refresh();
      return value;
    } catch (error) {
      this.failure.dispatch(failureOf(error));
      return null;
    }
  }

  /** Start something and show its run. */
  async start(starting: Promise<Run>): Promise<void> {
    const run = await this.ask(starting);
    if (run) {
      this.dispatch({ type: 'run-form', reference: null });
      this.dispatch({ type: 'show-run', id: run.id, task: run.tasks.length === 1 ? (run.tasks[0]?.task.name ?? null) : null });
    }
  }

  private feeds(): readonly Feed<unknown>[] {
    return [this.blocks, this.versions, this.workflows, this.runs, this.problems] as readonly Feed<unknown>[];
  }
}
