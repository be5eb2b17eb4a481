import type { Api } from '../client/api';
import { failureOf, type Failure } from '../client/failure';
import type { Hint, ProjectUse, Run, Status, WorkflowRow } from '../contract';
import { parseSearch, type BlockQuery, type Found } from '../state/catalogue';
import { isFiltered } from '../state/runs';
import { initialSidebar, reduceSidebar, type SidebarAction } from '../state/sidebar';
import { findTask, isActive, isGroup, isTaskActive, labelOf } from '../state/states';
import { createStore } from '../state/store';
import { Feed } from './feed';
import { LogFollower } from './logFollower';

const RUNS_SHOWN = 50;
/** How many of the newest are looked at where only some are wanted. */
const RUNS_SEARCHED = 300;
/** How long the search field must rest before the service is asked. */
const REST_MS = 200;

/** What the sidebar shows, and how it stays fresh. */
export class SidebarModel {
  readonly state = createStore(reduceSidebar, initialSidebar);
  readonly failure = createStore<Failure | null, Failure | null>((_, failure) => failure, null);
  readonly blocks: Feed<Found>;
  readonly workflows: Feed<WorkflowRow[]>;
  readonly runs: Feed<Run[]>;
  readonly projects: Feed<ProjectUse[]>;
  readonly status: Feed<Status>;
  readonly log: LogFollower;
  private rest: number | undefined;

  constructor(api: Api) {
    this.blocks = new Feed({
      fetch: async () => {
        const query = this.query();
        return { query, blocks: await api.blocks(query) };
      }
    });
    this.workflows = new Feed({
      fetch: api.workflows,
      active: rows => rows.some(row => row.last_run !== null && isActive(row.last_run.state))
    });
    this.runs = new Feed({
      fetch: () => api.runs({ limit: isFiltered(this.state.get().runFilter) ? RUNS_SEARCHED : RUNS_SHOWN }),
      active: runs => runs.some(run => isActive(run.state))
    });
    this.projects = new Feed({
      fetch: api.projects,
      active: () => this.runs.get().value?.some(run => isActive(run.state)) ?? false
    });
    this.status = new Feed({ fetch: api.status });
    this.log = new LogFollower(api, (id, name) => {
      const run = this.runs.get().value?.find(one => one.id === id);
      const task = run ? findTask(run, name) : null;
      // A run that was started just now is not in the list yet.
      return task ? isTaskActive(task.state) : true;
    });
  }

  dispatch(action: SidebarAction): void {
    const before = this.state.get();
    this.state.dispatch(action);
    const { search, deprecated, run, task, runFilter } = this.state.get();
    if (isFiltered(runFilter) !== isFiltered(before.runFilter)) {
      void this.runs.refresh();
    }
    if (search !== before.search || deprecated !== before.deprecated) {
      window.clearTimeout(this.rest);
      this.rest = window.setTimeout(() => void this.blocks.refresh(), action.type === 'search' && search !== '' ? REST_MS : 0);
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
    }
    if (hint.kind === 'workflows' || hint.kind === 'run') {
      void this.workflows.refresh();
    }
    if (hint.kind === 'run') {
      void this.runs.refresh();
      void this.projects.refresh();
    }
  }

  /** Do something on the server; what goes wrong is shown, what changed is fetched. */
  async ask<T>(doing: Promise<T>): Promise<T | null> {
    try {
      const value = await doing;
      this.failure.dispatch(null);
      void this.runs.refresh();
      void this.workflows.refresh();
      void this.projects.refresh();
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
      this.show(run);
    }
  }

  show(run: Run): void {
    const [only, ...others] = run.tasks;
    const task = only && others.length === 0 && !isGroup(only) ? labelOf(only) : null;
    this.dispatch({ type: 'show-run', id: run.id, task });
    void this.runs.refresh();
  }

  private query(): BlockQuery {
    const { search, deprecated } = this.state.get();
    return parseSearch(search, deprecated);
  }

  private feeds(): readonly Feed<unknown>[] {
    return [this.blocks, this.workflows, this.runs, this.projects, this.status] as readonly Feed<unknown>[];
  }
}
