import type { Api } from '../client/api';
import { failureOf } from '../client/failure';
import type { Hint, Publish } from '../contract';
import { editForm, formOf, requestOf, type PublishEdit } from '../state/publish';
import { createStore } from '../state/store';
import type { Stage } from '../views/publish';

const EVERY_MS = 1000;

/** The notebook that is published, as far as the host knows it. */
export interface NotebookSource {
  path: string;
  /** Saves it if it is open and changed. */
  save: () => Promise<void>;
  /** Id of the kernel that runs it; null if none does. */
  kernelId: () => string | null;
}

/** One notebook on its way to a block. Goes on when nobody looks. */
export class PublishSession {
  private readonly store = createStore<Stage, Stage>((_, stage) => stage, { kind: 'reading' });
  private timer: number | undefined;

  constructor(
    private readonly api: Api,
    readonly source: NotebookSource,
    private readonly registered: () => void
  ) {}

  readonly get = this.store.get;
  readonly subscribe = this.store.subscribe;

  /** Whether it would be a loss to forget it. */
  get working(): boolean {
    const stage = this.get();
    return stage.kind === 'work' && stage.publish.state === 'running';
  }

  async read(): Promise<void> {
    this.store.dispatch({ kind: 'reading' });
    try {
      await this.source.save();
      const inspection = await this.api.inspect(this.source.path, this.source.kernelId());
      const form = formOf(this.source.path, inspection);
      this.store.dispatch({ kind: 'form', inspection, form, sending: false, failure: null });
    } catch (error) {
      this.store.dispatch({ kind: 'unreadable', failure: failureOf(error) });
    }
  }

  edit(edit: PublishEdit): void {
    const stage = this.get();
    if (stage.kind === 'form') {
      this.store.dispatch({ ...stage, form: editForm(stage.form, edit) });
    }
  }

  async publish(): Promise<void> {
    const stage = this.get();
    if (stage.kind !== 'form' || stage.sending) {
      return;
    }
    this.store.dispatch({ ...stage, sending: true, failure: null });
    try {
      await this.source.save();
      const { id } = await this.api.startPublish(requestOf(stage.form));
      const publish: Publish = {
        id,
        path: stage.form.path,
        name: stage.form.name,
        state: 'running',
        events: [],
        result: null,
        error: null
      };
      this.store.dispatch({ kind: 'work', publish, startedAt: Date.now(), endedAt: null, stopping: false, failure: null });
      await this.follow();
    } catch (error) {
      const latest = this.get();
      if (latest.kind === 'form') {
        this.store.dispatch({ ...latest, sending: false, failure: failureOf(error) });
      }
    }
  }

  async cancel(): Promise<void> {
    const stage = this.get();
    if (stage.kind !== 'work') {
      return;
    }
    this.store.dispatch({ ...stage, stopping: true });
    try {
      await this.api.cancelPublish(stage.publish.id);
      await this.follow();
    } catch (error) {
      const latest = this.get();
      if (latest.kind === 'work') {
        this.store.dispatch({ ...latest, stopping: false, failure: failureOf(error) });
      }
    }
  }

  hinted(hint: Hint): void {
    const stage = this.get();
    if (hint.kind === 'publish' && stage.kind === 'work' && stage.publish.id === hint.id && this.working) {
      void this.follow();
    }
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  private async follow(): Promise<void> {
    window.clearTimeout(this.timer);
    const before = this.get();
    if (before.kind !== 'work') {
      return;
    }
    try {
      const publish = await this.api.publish(before.publish.id);
      const stage = this.get();
      if (stage.kind !== 'work' || !this.working || stage.publish.events.length > publish.events.length) {
        return;
      }
      const ended = publish.state !== 'running';
      this.store.dispatch({ ...stage, publish, endedAt: ended ? Date.now() : null, failure: null });
      if (publish.state === 'succeeded') {
        this.registered();
      }
    } catch (error) {
      const stage = this.get();
      if (stage.kind === 'work') {
        this.store.dispatch({ ...stage, failure: failureOf(error) });
      }
    }
    if (this.working) {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.follow(), EVERY_MS);
    }
  }
}
