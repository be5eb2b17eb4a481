import { failureOf, NOT_ENABLED } from '../client/failure';
import { fetched, unfetched, type Remote } from '../state/remote';

interface FeedOptions<T> {
  fetch: () => Promise<T>;
  /** Whether the value will change by itself, so that it must be fetched again soon. */
  active?: (value: T) => boolean;
  /** Milliseconds between two fetches of an active value. */
  every?: number;
}

/** Milliseconds before another try after the server did not answer. */
const RETRY_MS = 10_000;

/**
 * A value of the server, kept fresh while somebody looks.
 *
 * Fetched when first looked at, on `refresh` (which events call), and every so often while it is active.
 */
export class Feed<T> {
  private remote: Remote<T> = unfetched<T>();
  private readonly watchers = new Set<() => void>();
  private timer: number | undefined;
  private watched = false;
  private stale = true;
  private turn = 0;

  constructor(private readonly options: FeedOptions<T>) {}

  readonly get = (): Remote<T> => this.remote;

  readonly subscribe = (changed: () => void): (() => void) => {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  };

  /** Whether anybody can see the value. */
  watch(watched: boolean): void {
    this.watched = watched;
    if (watched && (this.stale || this.isActive())) {
      void this.fetch();
    } else if (!watched) {
      window.clearTimeout(this.timer);
    }
  }

  /** Fetch again: now if somebody looks, else when somebody does. */
  refresh(): Promise<void> {
    this.stale = true;
    return this.watched ? this.fetch() : Promise.resolve();
  }

  /** Forget the value, as when something else is to be fetched. */
  reset(): void {
    this.turn += 1;
    this.stale = true;
    this.set(unfetched<T>());
  }

  private async fetch(): Promise<void> {
    window.clearTimeout(this.timer);
    this.turn += 1;
    const turn = this.turn;
    this.stale = false;
    let delay: number | null;
    try {
      const value = await this.options.fetch();
      if (turn !== this.turn) {
        return;
      }
      this.set(fetched(value));
      delay = this.isActive() ? (this.options.every ?? 3000) : null;
    } catch (error) {
      if (turn !== this.turn) {
        return;
      }
      const failure = failureOf(error);
      this.stale = true;
      this.set({ value: this.remote.value, failure, loading: false });
      delay = failure.kind === NOT_ENABLED ? null : RETRY_MS;
    }
    if (delay !== null && this.watched) {
      this.timer = window.setTimeout(() => void this.fetch(), delay);
    }
  }

  private isActive(): boolean {
    return this.remote.value !== null && (this.options.active?.(this.remote.value) ?? false);
  }

  private set(remote: Remote<T>): void {
    this.remote = remote;
    [...this.watchers].forEach(changed => changed());
  }
}
