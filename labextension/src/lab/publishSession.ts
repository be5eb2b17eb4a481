import type { Api } from '../client/api';
import { failureOf, OFFLINE } from '../client/failure';
import type { Hint, Publish } from '../contract';
import {
  changesOf,
  editForm,
  formOf,
  rebaseForm,
  requestOf,
  sameChanges,
  type Changes,
  type PublishEdit
} from '../state/publish';
import { createStore } from '../state/store';
import type { Stage } from '../views/publish';
import { ANY } from './link';

const EVERY_MS = 1000;
/** How long the packages must rest before the resolver is asked. */
const REST_MS = 400;
const NO_CHANGES: Changes = { add: [], remove: [] };

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
  private rest: number | undefined;
  private asked = 0;

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

  /** Reads the notebook; what the user changed in the form stays. */
  async read(): Promise<void> {
    const before = this.get();
    if (before.kind === 'work') {
      this.store.dispatch({ ...before.sent, sending: false, failure: null });
    }
    if (before.kind === 'form' || before.kind === 'work') {
      await this.resolve(true);
      return;
    }
    const asked = this.ask();
    this.store.dispatch({ kind: 'reading' });
    try {
      await this.source.save();
      const inspection = await this.api.inspect(this.source.path, this.source.kernelId(), NO_CHANGES);
      if (asked === this.asked) {
        const form = formOf(this.source.path, inspection);
        const settled = { known: NO_CHANGES, resolving: false, unresolvable: null };
        this.store.dispatch({ kind: 'form', inspection, form, ...settled, sending: false, failure: null });
      }
    } catch (error) {
      if (asked === this.asked) {
        this.store.dispatch({ kind: 'unreadable', failure: failureOf(error) });
      }
    }
  }

  edit(edit: PublishEdit): void {
    const stage = this.get();
    if (stage.kind === 'form') {
      this.change({ ...stage, form: editForm(stage.form, edit) });
    }
  }

  /** Takes all edits back. */
  reset(): void {
    const stage = this.get();
    if (stage.kind === 'form') {
      this.change({ ...stage, form: formOf(stage.form.path, stage.inspection) });
    }
  }

  private change(stage: Extract<Stage, { kind: 'form' }>): void {
    const changes = changesOf(stage.form);
    const before = this.get();
    const moved = before.kind !== 'form' || !sameChanges(changes, changesOf(before.form));
    if (!moved) {
      this.store.dispatch(stage);
      return;
    }
    // An answer that is under way is about other changes.
    this.ask();
    window.clearTimeout(this.rest);
    const resolving = !sameChanges(changes, stage.known);
    this.store.dispatch({ ...stage, resolving, unresolvable: null });
    if (resolving) {
      this.rest = window.setTimeout(() => void this.resolve(false), REST_MS);
    }
  }

  /** Asks again what packaging would find, with the packages as they are in the form. */
  private async resolve(save: boolean): Promise<void> {
    const before = this.get();
    if (before.kind !== 'form') {
      return;
    }
    window.clearTimeout(this.rest);
    const asked = this.ask();
    const changes = changesOf(before.form);
    this.store.dispatch({ ...before, resolving: true, unresolvable: null });
    try {
      if (save) {
        await this.source.save();
      }
      const inspection = await this.api.inspect(this.source.path, this.source.kernelId(), changes);
      const stage = this.get();
      if (stage.kind === 'form' && asked === this.asked) {
        const form = rebaseForm(stage.form, stage.inspection, inspection);
        this.store.dispatch({ ...stage, inspection, form, known: changes, resolving: false, unresolvable: null });
      }
    } catch (error) {
      const stage = this.get();
      if (stage.kind === 'form' && asked === this.asked) {
        this.store.dispatch({ ...stage, resolving: false, unresolvable: failureOf(error) });
      }
    }
  }

  /** The number of a new question; answers to older ones are dropped. */
  private ask(): number {
    this.asked += 1;
    return this.asked;
  }

  async publish(): Promise<void> {
    const stage = this.get();
    if (stage.kind !== 'form' || stage.sending || stage.resolving) {
      return;
    }
    const sent = { ...stage, sending: true, failure: null };
    this.store.dispatch(sent);
    try {
      await this.source.save();
      const { id } = await this.api.startPublish(requestOf(stage.form, stage.inspection));
      const publish: Publish = {
        id,
        path: stage.form.path,
        name: stage.form.name,
        state: 'running',
        events: [],
        result: null,
        error: null
      };
      this.store.dispatch({ kind: 'work', publish, startedAt: Date.now(), endedAt: null, stopping: false, failure: null, sent });
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
    if (hint.kind === 'publish' && stage.kind === 'unreadable' && stage.failure.kind === OFFLINE) {
      void this.read();
    }
    if (hint.kind === 'publish' && stage.kind === 'work' && [stage.publish.id, ANY].includes(hint.id) && this.working) {
      void this.follow();
    }
  }

  dispose(): void {
    this.ask();
    window.clearTimeout(this.rest);
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
      const failure = failureOf(error);
      if (stage.kind === 'work' && failure.kind !== OFFLINE) {
        this.store.dispatch({ ...stage, failure });
      }
    }
    if (this.working) {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.follow(), EVERY_MS);
    }
  }
}
