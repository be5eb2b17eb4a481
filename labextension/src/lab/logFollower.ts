import type { Api } from '../client/api';
import { failureOf, OFFLINE } from '../client/failure';
import { appendLog, emptyLog, type Log } from '../state/log';

const EVERY_MS = 1000;
/** Milliseconds before another try after the server did not answer. */
const RETRY_MS = 3000;

/** The log of one task, fetched piece by piece for as long as it grows. */
export class LogFollower {
  private log: Log = emptyLog;
  private readonly watchers = new Set<() => void>();
  private timer: number | undefined;
  private turn = 0;
  private key: string | null = null;

  /** `grows(run, task)`: whether that task may still print. */
  constructor(
    private readonly api: Api,
    private readonly grows: (run: string, task: string) => boolean
  ) {}

  readonly get = (): Log => this.log;

  readonly subscribe = (changed: () => void): (() => void) => {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  };

  /** Show the log of that task from now on; null for none. Following the same again changes nothing. */
  follow(what: { run: string; task: string } | null): void {
    const key = what && `${what.run} ${what.task}`;
    if (key === this.key) {
      return;
    }
    this.key = key;
    this.turn += 1;
    window.clearTimeout(this.timer);
    this.set(emptyLog);
    if (what) {
      void this.fetch(what.run, what.task, this.turn);
    }
  }

  private async fetch(run: string, task: string, turn: number): Promise<void> {
    // Asked before fetching: what was printed until the end is then fetched for certain.
    const more = this.grows(run, task);
    let got = false;
    try {
      const part = await this.api.log(run, task, this.log.next);
      if (turn !== this.turn) {
        return;
      }
      got = part.text !== '';
      this.set(appendLog(this.log, part.text, part.next));
    } catch (error) {
      if (turn !== this.turn) {
        return;
      }
      const { kind, message, hint } = failureOf(error);
      if (kind === OFFLINE) {
        this.timer = window.setTimeout(() => void this.fetch(run, task, turn), RETRY_MS);
        return;
      }
      if (!more) {
        this.set({ ...this.log, text: `${this.log.text}\n${message} ${hint}`.trim() });
      }
    }
    if (more || got) {
      this.timer = window.setTimeout(() => void this.fetch(run, task, turn), got ? EVERY_MS / 2 : EVERY_MS);
    }
  }

  private set(log: Log): void {
    if (log !== this.log) {
      this.log = log;
      [...this.watchers].forEach(changed => changed());
    }
  }
}
