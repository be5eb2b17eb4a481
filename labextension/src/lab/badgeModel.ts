import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Api } from '../client/api';
import type { Block, Drift, Hint } from '../contract';
import { cellsText, standingOf, type Standing } from '../state/badge';
import { createStore } from '../state/store';

/** How long typing must rest before the cells are looked at. */
const REST_MS = 400;

/** How one open notebook stands to its block: asked for at every save, and guessed between two. */
export class BadgeModel {
  private readonly store = createStore<Standing, Standing>((_, standing) => standing, { kind: 'unknown' });
  private drift: Drift | null = null;
  /** The cells that the file has; null before it was read. */
  private kept: string | null = null;
  /** The cells that are being written. */
  private writing: string | null = null;
  private rest: number | undefined;
  private turn = 0;

  readonly get = this.store.get;
  readonly subscribe = this.store.subscribe;

  constructor(
    private readonly api: Api,
    private readonly panel: NotebookPanel
  ) {
    const { context } = panel;
    context.saveState.connect(this.saved, this);
    context.fileChanged.connect(this.read, this);
    context.pathChanged.connect(this.ask, this);
    context.model.contentChanged.connect(this.changed, this);
    void context.ready.then(() => this.read());
  }

  get block(): Block | null {
    return this.drift?.block ?? null;
  }

  hinted(hint: Hint): void {
    if (hint.kind === 'blocks') {
      this.ask();
    }
  }

  dispose(): void {
    this.turn += 1;
    window.clearTimeout(this.rest);
    const { context } = this.panel;
    context.saveState.disconnect(this.saved, this);
    context.fileChanged.disconnect(this.read, this);
    context.pathChanged.disconnect(this.ask, this);
    context.model.contentChanged.disconnect(this.changed, this);
  }

  private saved(_: unknown, state: string): void {
    if (state === 'started') {
      this.writing = this.cells();
      return;
    }
    // What was typed while the file was written is not in it.
    const written = this.writing;
    this.writing = null;
    if (state === 'completed') {
      this.kept = written;
      this.ask();
    }
  }

  private read(): void {
    if (this.writing === null && !this.panel.isDisposed) {
      this.kept = this.cells();
      this.ask();
    }
  }

  private changed(): void {
    window.clearTimeout(this.rest);
    this.rest = window.setTimeout(() => this.say(), REST_MS);
  }

  private ask(): void {
    this.turn += 1;
    const turn = this.turn;
    this.api.drift(this.panel.context.path).then(
      drift => {
        if (turn === this.turn) {
          this.drift = drift;
          this.say();
        }
      },
      () => {
        // No server half, no registry, no such file: others say so; a badge that is not sure says nothing.
        if (turn === this.turn) {
          this.drift = null;
          this.say();
        }
      }
    );
  }

  private say(): void {
    const edited = this.kept !== null && this.kept !== this.cells();
    this.store.dispatch(standingOf(this.drift, edited));
  }

  private cells(): string {
    const { cells } = this.panel.context.model;
    return cellsText(Array.from({ length: cells.length }, (_, number) => cells.get(number)));
  }
}
