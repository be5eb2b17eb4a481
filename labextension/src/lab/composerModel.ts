import type { Api } from '../client/api';
import { failureOf, OFFLINE, type Failure } from '../client/failure';
import type { Block, Check, Hint, ProjectUse, Run, Workflow } from '../contract';
import { editWorkflow, emptyWorkflow } from '../state/composer';
import { findTask, isActive, isTaskActive } from '../state/states';
import { createStore } from '../state/store';
import type { Message } from '../views/composer';
import type { Trans } from '../views/elements';
import { LogFollower } from './logFollower';

const CHECK_AFTER_MS = 300;
const FOLLOW_MS = 1500;
const NO_CHECK: Check = { faults: [], next_starts: [], clock_changes: [] };

export interface ComposerState {
  workflow: Workflow;
  /** As it is on the server; null if it never was there. */
  saved: Workflow | null;
  blocks: Block[];
  projects: ProjectUse[];
  check: Check;
  run: Run | null;
  busy: boolean;
  message: Message | null;
  logTask: string | null;
  /** Why nothing can be shown at all. */
  failure: Failure | null;
}

/** What is done differently with a workflow that is a file. */
export interface FileHooks {
  /** Called with each change that a user makes. */
  edited: (workflow: Workflow) => void;
  text: (workflow: Workflow) => Promise<string>;
  read: (text: string) => Promise<Workflow>;
}

/** One workflow under composition, and the service behind it. */
export class ComposerModel {
  private readonly store = createStore<ComposerState, Partial<ComposerState>>(
    (state, change) => ({ ...state, ...change }),
    {
      workflow: emptyWorkflow(),
      saved: null,
      blocks: [],
      projects: [],
      check: NO_CHECK,
      run: null,
      busy: false,
      message: null,
      logTask: null,
      failure: null
    }
  );
  readonly log: LogFollower;
  private checkTimer: number | undefined;
  private runTimer: number | undefined;
  private visible = false;
  private which: { project: string; name: string } | null = null;
  /** The file that was typed, whose comments stay; null where none was. */
  private base: string | null = null;

  constructor(
    private readonly api: Api,
    private readonly trans: Trans,
    project: string,
    private readonly file: FileHooks | null = null
  ) {
    this.store.dispatch({ workflow: emptyWorkflow(project) });
    this.log = new LogFollower(api, (_, task) => {
      const { run } = this.get();
      const found = run && findTask(run, task);
      return found ? isTaskActive(found.state) : false;
    });
  }

  readonly get = this.store.get;
  readonly subscribe = this.store.subscribe;

  readonly text = (workflow: Workflow): Promise<string> =>
    this.file ? this.file.text(workflow) : this.api.workflowText(workflow, this.base);
  readonly read = async (text: string, project: string): Promise<Workflow> => {
    if (this.file) {
      return this.file.read(text);
    }
    const workflow = await this.api.readWorkflow(text, project);
    this.base = text;
    return workflow;
  };

  get dirty(): boolean {
    const { workflow, saved } = this.get();
    return saved === null ? workflow.tasks.length > 0 : JSON.stringify(workflow) !== JSON.stringify(saved);
  }

  /** Open a workflow of the server, or (null) begin a new one. */
  async load(which: { project: string; name: string } | null): Promise<void> {
    this.which = which;
    await this.work(async () => {
      if (which) {
        const workflow = await this.api.workflow(which.project, which.name);
        const [run] = await this.api.runs({ project: which.project, workflow: which.name, limit: 1 });
        this.store.dispatch({ workflow, saved: workflow, run: run ?? null });
      }
      await this.fetchBlocks();
      this.store.dispatch({ failure: null });
    }, true);
    this.check();
    this.followSoon();
  }

  /** Show what a file says; the service is asked what it has under that name. */
  async open(workflow: Workflow): Promise<void> {
    const { saved, run } = this.get();
    const same = saved?.name === workflow.name && saved.project === workflow.project;
    const revision = same ? saved.revision : 0;
    this.store.dispatch({ workflow: { ...workflow, revision }, saved: same ? saved : null, run: same ? run : null });
    await this.work(() => this.fetchBlocks());
    await this.compare();
    this.check();
    this.followSoon();
  }

  /** Show why something did not work. */
  told(failure: Failure): void {
    if (failure.kind === OFFLINE && !this.get().busy) {
      // Told above everything; what is asked by itself is asked again.
      return;
    }
    const text = [failure.message, ...failure.faults, failure.hint].filter(part => part !== '').join(' ');
    this.store.dispatch({ message: { severity: 'error', text } });
  }

  /** What the service has under the name of the file; it may have nothing. */
  private async compare(): Promise<void> {
    const { name, project } = this.get().workflow;
    try {
      const saved = await this.api.workflow(project, name);
      const [run] = await this.api.runs({ project, workflow: name, limit: 1 });
      const { workflow } = this.get();
      if (workflow.name === name && workflow.project === project) {
        this.store.dispatch({ saved, run: run ?? null, workflow: { ...workflow, revision: saved.revision } });
      }
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind !== 'NotFound') {
        this.told(failure);
      }
    }
  }

  refresh(): Promise<void> {
    return this.work(() => this.fetchBlocks());
  }

  change(workflow: Workflow): void {
    const before = this.get();
    // Under another name there is nothing on the server yet, nor a run to follow.
    const other = workflow.name !== before.workflow.name || workflow.project !== before.workflow.project;
    this.store.dispatch({ workflow, message: null, ...(other ? { saved: null, run: null } : {}) });
    window.clearTimeout(this.checkTimer);
    this.checkTimer = window.setTimeout(() => this.check(), CHECK_AFTER_MS);
    this.file?.edited(workflow);
  }

  /** A version of a block becomes one more task. */
  add(block: Block): void {
    const { blocks } = this.get();
    if (!blocks.some(one => one.digest === block.digest)) {
      this.store.dispatch({ blocks: [...blocks, block] });
    }
    this.change(editWorkflow(this.get().workflow, { type: 'add-task', block }));
  }

  /** `overwrite`: whatever somebody else saved in between. */
  save(overwrite = false): Promise<void> {
    return this.work(async () => {
      if (!(await this.put(overwrite))) {
        return;
      }
      const { revision } = this.get().workflow;
      const text = this.file ? this.trans.__('Applied, revision %1', revision) : this.trans.__('Saved, revision %1', revision);
      this.store.dispatch({ message: { severity: 'info', text } });
    });
  }

  start(): Promise<void> {
    return this.work(async () => {
      if ((this.dirty || this.file) && !(await this.put())) {
        return;
      }
      const { project, name } = this.get().workflow;
      const run = await this.api.startWorkflow(project, name);
      this.store.dispatch({ run, message: null });
      this.followSoon();
    });
  }

  cancel(): Promise<void> {
    return this.work(async () => {
      const run = this.get().run;
      if (run) {
        this.store.dispatch({ run: await this.api.cancelRun(run.id) });
        this.followSoon();
      }
    });
  }

  pause(paused: boolean): Promise<void> {
    return this.work(async () => {
      const before = this.get().workflow;
      const saved = await this.api.pauseWorkflow(before.project, before.name, paused);
      // What is edited and not saved yet stays as it is.
      const { workflow } = this.get();
      const text = paused ? this.trans.__('Its schedule is paused') : this.trans.__('Its schedule goes on');
      this.store.dispatch({
        workflow: { ...workflow, paused, revision: saved.revision },
        saved,
        message: { severity: 'info', text }
      });
      this.check();
    });
  }

  readonly backfill = (first: string, last: string, preview: boolean): Promise<string[]> => {
    const { project, name } = this.get().workflow;
    return this.api.backfill(project, name, { first, last, preview });
  };

  showLog(task: string | null): void {
    const run = this.get().run;
    this.store.dispatch({ logTask: task });
    this.log.follow(run && task !== null ? { run: run.id, task } : null);
  }

  watch(visible: boolean): void {
    this.visible = visible;
    this.followSoon();
  }

  hinted(hint: Hint): void {
    const { run, workflow } = this.get();
    if (hint.kind === 'blocks' && this.get().failure) {
      void this.load(this.which);
    } else if (hint.kind === 'blocks') {
      void this.refresh();
      this.check();
    } else if (hint.kind === 'workflows' && hint.id === workflow.name) {
      void this.followSaved();
    } else if (hint.kind === 'run' && (hint.id === run?.id || (run && !isActive(run.state)))) {
      void this.follow();
    } else if (hint.kind === 'run' && workflow.revision > 0) {
      void this.follow();
    }
  }

  dispose(): void {
    window.clearTimeout(this.checkTimer);
    window.clearTimeout(this.runTimer);
    this.log.follow(null);
  }

  /** Show what is saved now. */
  reload(): Promise<void> {
    return this.work(async () => {
      const { project, name } = this.get().workflow;
      const workflow = await this.api.workflow(project, name);
      this.store.dispatch({ workflow, saved: workflow, message: null });
      this.check();
    });
  }

  /** Whether it is saved; not where somebody else was faster, which the message then says. */
  private async put(overwrite = false): Promise<boolean> {
    const { workflow: shown } = this.get();
    try {
      if (this.file) {
        // As the command does: a file has the last word, but what is paused stays so. Versions that the
        // service pins are not written into a file that leaves them open.
        const paused = shown.paused || (this.get().saved?.paused ?? false);
        const saved = await this.api.saveWorkflow({ ...shown, paused, revision: 0 });
        this.store.dispatch({ saved, workflow: { ...this.get().workflow, revision: saved.revision } });
      } else {
        const workflow = await this.api.saveWorkflow(overwrite ? { ...shown, revision: 0 } : shown);
        this.store.dispatch({ workflow, saved: workflow });
      }
    } catch (error) {
      const { kind, message } = failureOf(error);
      if (kind !== 'Conflict') {
        throw error;
      }
      this.store.dispatch({ message: { severity: 'error', text: message, conflict: true } });
      return false;
    }
    this.check();
    return true;
  }

  /** Another tab may have saved it: what was not touched here follows. */
  private async followSaved(): Promise<void> {
    const { saved, busy } = this.get();
    // A file has the last word on what is shown.
    if (!saved || busy || this.dirty || this.file) {
      return;
    }
    try {
      const workflow = await this.api.workflow(saved.project, saved.name);
      if (this.get().saved === saved && !this.dirty && workflow.revision !== saved.revision) {
        this.store.dispatch({ workflow, saved: workflow, message: null });
        this.check();
      }
    } catch {
      // It was deleted, or the server does not answer: what is shown stays, and saving says so.
    }
  }

  private async fetchBlocks(): Promise<void> {
    const [newest, projects] = await Promise.all([this.api.blocks(), this.api.projects()]);
    // Tasks may be pinned to versions that are not the newest: their inputs are needed too.
    const pinned = this.get().workflow.tasks.filter(task => {
      const block = newest.find(one => one.spec.name === task.block);
      return block && task.version !== null && block.version !== task.version;
    });
    const names = [...new Set(pinned.map(task => task.block))];
    const older = (await Promise.all(names.map(name => this.api.blockVersions(name)))).flat();
    const known = new Set(newest.map(block => block.digest));
    this.store.dispatch({ blocks: [...newest, ...older.filter(block => !known.has(block.digest))], projects });
  }

  private check(): void {
    const workflow = this.get().workflow;
    if (workflow.tasks.length === 0) {
      this.store.dispatch({ check: NO_CHECK });
      return;
    }
    this.api.checkWorkflow(workflow).then(
      check => {
        if (this.get().workflow === workflow) {
          this.store.dispatch({ check });
        }
      },
      (error: unknown) => {
        const { kind, message, faults } = failureOf(error);
        if (this.get().workflow === workflow && kind !== OFFLINE) {
          this.store.dispatch({ check: { ...NO_CHECK, faults: faults.length ? faults : [message] } });
        }
      }
    );
  }

  private followSoon(): void {
    window.clearTimeout(this.runTimer);
    const run = this.get().run;
    if (this.visible && run && isActive(run.state)) {
      this.runTimer = window.setTimeout(() => void this.follow(), FOLLOW_MS);
    }
  }

  private async follow(): Promise<void> {
    const { workflow, run } = this.get();
    try {
      // A run that ended may have been followed by another, of the schedule or of somebody else.
      const found =
        run && isActive(run.state)
          ? await this.api.run(run.id)
          : (await this.api.runs({ project: workflow.project, workflow: workflow.name, limit: 1 }))[0];
      const now = this.get();
      if (found && now.run?.id === run?.id && now.workflow.name === workflow.name) {
        this.store.dispatch({ run: found });
      }
    } catch (error) {
      this.told(failureOf(error));
    }
    this.followSoon();
  }

  private async work(doing: () => Promise<void>, essential = false): Promise<void> {
    this.store.dispatch({ busy: true });
    try {
      await doing();
    } catch (error) {
      const failure = failureOf(error);
      if (essential) {
        this.store.dispatch({ failure });
      } else {
        this.told(failure);
      }
    } finally {
      this.store.dispatch({ busy: false });
    }
  }
}
