import type { Api } from '../client/api';
import { failureOf, type Failure } from '../client/failure';
import type { Block, BlockDiff, BlockUse, Hint } from '../contract';
import { comparedVersion, initialPage, reducePage, shownVersion, type PageAction } from '../state/blockPage';
import { createStore } from '../state/store';
import { Feed } from './feed';

interface Doing {
  failure: Failure | null;
  busy: boolean;
}

/** What the page of one block shows, and how it stays fresh. */
export class BlockModel {
  readonly state = createStore(reducePage, initialPage);
  readonly doing = createStore<Doing, Doing>((_, doing) => doing, { failure: null, busy: false });
  readonly versions: Feed<Block[]>;
  readonly readme: Feed<string>;
  readonly users: Feed<BlockUse[]>;
  readonly diff: Feed<BlockDiff | null>;
  private visible = false;
  /** The version whose README, and the two whose difference, the feeds have or fetch. */
  private read = '';
  private compared = '';

  constructor(
    private readonly api: Api,
    readonly name: string
  ) {
    this.versions = new Feed({ fetch: () => api.blockVersions(name) });
    this.users = new Feed({ fetch: () => api.blockUsers(name) });
    this.readme = new Feed({
      fetch: () => {
        const block = this.shown();
        return block ? api.readme(name, block.version) : Promise.resolve('');
      }
    });
    this.diff = new Feed({
      fetch: () => {
        const pair = this.pair();
        return pair ? api.diffBlocks(...pair) : Promise.resolve(null);
      }
    });
    this.versions.subscribe(() => this.follow());
    this.state.subscribe(() => this.follow());
  }

  dispatch(action: PageAction): void {
    this.state.dispatch(action);
  }

  /** The version that the page shows; undefined before it is known, and once it is gone. */
  shown(): Block | undefined {
    return shownVersion(this.state.get(), this.versions.get().value ?? []);
  }

  watch(visible: boolean): void {
    this.visible = visible;
    this.versions.watch(visible);
    this.users.watch(visible);
    this.follow();
  }

  refresh(): void {
    void this.versions.refresh();
    void this.users.refresh();
    void this.readme.refresh();
    void this.diff.refresh();
  }

  hinted(hint: Hint): void {
    if (hint.kind === 'blocks') {
      void this.versions.refresh();
    }
    if (hint.kind === 'workflows') {
      void this.users.refresh();
    }
  }

  /** Do something on the server; what goes wrong is shown, what changed is fetched. Null if it went wrong. */
  async ask<T>(doing: Promise<T>, shown: (failure: Failure) => boolean = () => true): Promise<{ done: T } | null> {
    this.doing.dispatch({ failure: null, busy: true });
    try {
      const done = await doing;
      this.doing.dispatch({ failure: null, busy: false });
      return { done };
    } catch (error) {
      const failure = failureOf(error);
      this.doing.dispatch({ failure: shown(failure) ? failure : null, busy: false });
      return null;
    }
  }

  async deprecate(block: Block, reason: string | null): Promise<boolean> {
    const done = await this.ask(this.api.deprecateBlock(this.name, block.version, reason));
    if (done) {
      this.dispatch({ type: 'ask', question: null });
      await this.versions.refresh();
    }
    return done !== null;
  }

  /** Remove a version; a workflow that uses it by now leads to the second question. */
  async remove(block: Block, force: boolean): Promise<boolean> {
    const done = await this.ask(this.api.removeBlock(this.name, block.version, force), failure => {
      if (failure.kind === 'Conflict' && !force) {
        void this.users.refresh();
        this.dispatch({ type: 'ask', question: 'remove-used' });
      }
      return true;
    });
    if (done) {
      this.dispatch({ type: 'version', version: null });
      this.refresh();
    }
    return done !== null;
  }

  /** Fetch README and difference for what is shown now, where they are looked at. */
  private follow(): void {
    const { tab } = this.state.get();
    const version = this.shown()?.version ?? '';
    if (version !== '' && version !== this.read) {
      this.read = version;
      this.readme.reset();
    }
    const pair = this.pair()?.join(' ') ?? '';
    if (pair !== this.compared) {
      this.compared = pair;
      this.diff.reset();
    }
    this.readme.watch(this.visible && version !== '' && tab === 'overview');
    this.diff.watch(this.visible && pair !== '' && tab === 'compare');
  }

  private pair(): [string, string] | null {
    const block = this.shown();
    const other = block && comparedVersion(this.state.get(), this.versions.get().value ?? [], block);
    return block && other ? [`${this.name}@${other.version}`, `${this.name}@${block.version}`] : null;
  }
}
