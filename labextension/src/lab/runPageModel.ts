import type { Api } from '../client/api';
import { failureOf, type Failure } from '../client/failure';
import type { Hint, Run } from '../contract';
import { initialRunPage, reduceRunPage, tellingTask, type RunPageAction } from '../state/runPage';
import { findAddressed, hasLog, isActive, isTaskActive } from '../state/states';
import { createStore } from '../state/store';
import { Feed } from './feed';
import { ANY } from './link';
import { LogFollower } from './logFollower';

interface Doing {
  failure: Failure | null;
  busy: boolean;
}

const EVERY_MS = 1000;

/** One run, and how its page stays fresh while somebody looks. */
export class RunPageModel {
  readonly state = createStore(reduceRunPage, initialRunPage);
  readonly doing = createStore<Doing, Doing>((_, doing) => doing, { failure: null, busy: false });
  readonly run: Feed<Run>;
  readonly notebook: Feed<unknown>;
  readonly log: LogFollower;
  private watched = false;

  constructor(
    private readonly api: Api,
    readonly id: string
  ) {
    this.run = new Feed({ fetch: () => api.run(id), active: run => isActive(run.state), every: EVERY_MS });
    this.notebook = new Feed({
      fetch: () => api.notebook(id, this.state.get().task ?? ''),
      active: () => this.grows(this.state.get().task ?? ''),
      every: 2 * EVERY_MS
    });
    this.log = new LogFollower(api, (_, task) => this.grows(task));
    this.run.subscribe(() => this.choose());
  }

  dispatch(action: RunPageAction): void {
    const before = this.state.get();
    this.state.dispatch(action);
    if (this.state.get().task !== before.task) {
      this.notebook.reset();
    }
    this.follow();
  }

  watch(watched: boolean): void {
    this.watched = watched;
    this.run.watch(watched);
    this.follow();
  }

  refresh(): void {
    void this.run.refresh();
    void this.notebook.refresh();
  }

  hinted(hint: Hint): void {
    if (hint.kind === 'run' && (hint.id === this.id || hint.id === ANY)) {
      void this.run.refresh();
    }
  }

  /** Do something on the server; null if it did not work, which is shown then. */
  async ask<T>(doing: Promise<T>): Promise<{ done: T } | null> {
    this.doing.dispatch({ failure: null, busy: true });
    try {
      const done = await doing;
      this.doing.dispatch({ failure: null, busy: false });
      this.refresh();
      return { done };
    } catch (error) {
      this.doing.dispatch({ failure: failureOf(error), busy: false });
      return null;
    }
  }

  cancel(task: string | null): void {
    void this.ask(this.api.cancelRun(this.id, task));
  }

  /** Show what is worth looking at once the run is known, and what failed once it has failed. */
  private choose(): void {
    const run = this.run.get().value;
    if (run && this.state.get().task === null && run.tasks.length > 0 && !this.chosen) {
      this.chosen = true;
      this.dispatch({ type: 'task', task: tellingTask(run) });
    } else {
      this.follow();
    }
  }

  private chosen = false;

  private follow(): void {
    const { task, taskTab } = this.state.get();
    const run = this.run.get().value;
    const one = run && task !== null ? findAddressed(run, task) : null;
    const executed = this.watched && task !== null && one !== null && hasLog(one);
    this.log.follow(executed && taskTab === 'log' ? { run: this.id, task } : null);
    this.notebook.watch(executed && taskTab === 'notebook');
  }

  private grows(task: string): boolean {
    const run = this.run.get().value;
    const one = run ? findAddressed(run, task) : null;
    return one ? isTaskActive(one.state) : run === null;
  }
}
