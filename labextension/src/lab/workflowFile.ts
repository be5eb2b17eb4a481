import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { Api } from '../client/api';
import { failureOf, type Failure } from '../client/failure';
import type { Workflow } from '../contract';
import { emptyWorkflow } from '../state/composer';
import { nameOfFile } from '../state/names';
import { createStore } from '../state/store';
import type { Trans } from '../views/elements';
import { ComposerModel } from './composerModel';

/** Text that somebody else types (an editor on the same file) is read when it rests this long. */
const REST_MS = 300;
const RETRY_MS = 5000;

export type FileState =
  | { kind: 'reading' }
  /** The service could not be asked; it is asked again. */
  | { kind: 'unread'; failure: Failure }
  | { kind: 'faulty'; text: string; failure: Failure }
  | { kind: 'workflow' };

/**
 * An open workflow file: its text in the document's model, and the workflow in the composer.
 *
 * The service reads and writes the text, so that comments and order stay. That takes a moment; a file
 * saved in that moment is saved again when its text is there.
 */
export class WorkflowFile {
  readonly composer: ComposerModel;
  private readonly store = createStore<FileState, FileState>((_, state) => state, { kind: 'reading' });
  /** The text that the composer shows. */
  private known: string | null = null;
  private kept = '';
  private pending: Workflow | null = null;
  private writing: Promise<void> | null = null;
  private saving = false;
  private saveAgain = false;
  private timer: number | undefined;
  private turn = 0;
  private disposed = false;

  readonly get = this.store.get;
  readonly subscribe = this.store.subscribe;

  constructor(
    private readonly api: Api,
    trans: Trans,
    private readonly project: string,
    readonly context: DocumentRegistry.CodeContext
  ) {
    this.composer = new ComposerModel(api, trans, project, {
      edited: workflow => this.edited(workflow),
      text: workflow => this.api.workflowText(workflow, this.source),
      read: text => this.typed(text)
    });
    context.model.sharedModel.changed.connect(this.changed, this);
    context.saveState.connect(this.saved, this);
    context.fileChanged.connect(this.loaded, this);
    void context.ready.then(() => this.loaded());
  }

  /** Reads the file again, as after a connection was lost. */
  readonly read = async (): Promise<void> => {
    window.clearTimeout(this.timer);
    this.turn += 1;
    const turn = this.turn;
    const text = this.source;
    this.known = text;
    try {
      const workflow =
        text.trim() === ''
          ? { ...emptyWorkflow(this.project), name: nameOfFile(this.context.path) }
          : await this.api.readWorkflow(text, this.project);
      if (turn === this.turn && !this.disposed) {
        this.store.dispatch({ kind: 'workflow' });
        await this.composer.open(workflow);
      }
    } catch (error) {
      if (turn === this.turn && !this.disposed) {
        const failure = failureOf(error);
        if (failure.kind === 'Invalid') {
          this.store.dispatch({ kind: 'faulty', text, failure });
        } else {
          this.store.dispatch({ kind: 'unread', failure });
          this.timer = window.setTimeout(() => void this.read(), RETRY_MS);
        }
      }
    }
  };

  /** Takes a text as the file's, if it describes a workflow; rejects with every fault. */
  readonly typed = async (text: string): Promise<Workflow> => {
    const workflow = await this.api.readWorkflow(text, this.project);
    this.put(text);
    return workflow;
  };

  /** As `typed`, and shows it in the composer. */
  readonly mend = async (text: string): Promise<void> => {
    await this.typed(text);
    await this.read();
  };

  readonly save = async (): Promise<void> => {
    await this.writing;
    await this.context.save();
  };

  dispose(): void {
    this.disposed = true;
    window.clearTimeout(this.timer);
    this.context.model.sharedModel.changed.disconnect(this.changed, this);
    this.context.saveState.disconnect(this.saved, this);
    this.context.fileChanged.disconnect(this.loaded, this);
    this.composer.dispose();
  }

  private get source(): string {
    return this.context.model.sharedModel.getSource();
  }

  private put(text: string): void {
    this.known = text;
    if (text !== this.source) {
      this.context.model.sharedModel.setSource(text);
    }
    // Undone to what is on disk: nothing is left to save.
    this.context.model.dirty = text !== this.kept;
  }

  private edited(workflow: Workflow): void {
    // A file without tasks is none: it stays as it was until there is one.
    if (workflow.tasks.length > 0) {
      this.pending = workflow;
      this.context.model.dirty = true;
      this.writing ??= this.write().finally(() => (this.writing = null));
    }
  }

  private async write(): Promise<void> {
    while (this.pending && !this.disposed) {
      const workflow = this.pending;
      const base = this.source;
      try {
        const text = await this.api.workflowText(workflow, base);
        if (this.pending === workflow && base === this.source) {
          this.pending = null;
          this.put(text);
        }
      } catch (error) {
        this.composer.told(failureOf(error));
        await new Promise(resolve => window.setTimeout(resolve, RETRY_MS));
      }
    }
    this.saveOnceMore();
  }

  private loaded(): void {
    this.kept = this.source;
    if (this.known !== this.kept) {
      void this.read();
    }
  }

  private changed(): void {
    if (this.source !== this.known) {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.read(), REST_MS);
    }
  }

  private saved(_: unknown, state: DocumentRegistry.SaveState): void {
    this.saving = state === 'started';
    if (state === 'started') {
      this.kept = this.source;
      this.saveAgain = this.pending !== null;
    } else if (state === 'completed') {
      // What changed while it was written is not in it.
      this.context.model.dirty = this.pending !== null || this.source !== this.kept;
      this.saveOnceMore();
    }
  }

  private saveOnceMore(): void {
    // One after another: Lab takes a file that is newer than its last save for somebody else's.
    if (this.saveAgain && this.pending === null && !this.saving && !this.disposed) {
      this.saveAgain = false;
      void this.context.save();
    }
  }
}
