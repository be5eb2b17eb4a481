import type { Answer, Transport } from '../client/api';
import { offline, RequestError } from '../client/failure';
import { createStore } from '../state/store';
import type { Lost } from '../views/elements';

/** Milliseconds between two questions whether the server is back. */
const RETRY_MS = 5000;

// What proxies say when nobody answers behind them.
const GATEWAY = [502, 503, 504];

/**
 * Whether the server can be reached, told by every request that is sent through `transport`.
 *
 * Once it cannot, it is asked again every so often, and `healed` is called when it answers.
 */
export class Connection {
  private readonly store = createStore<Lost | null, Lost | null>((_, lost) => lost, null);
  private timer: number | undefined;

  readonly get = this.store.get;
  readonly subscribe = this.store.subscribe;

  constructor(
    private readonly send: Transport,
    private readonly healed: () => void
  ) {}

  readonly transport: Transport = async (method, path, body) => {
    let answer: Answer;
    try {
      answer = await this.send(method, path, body);
    } catch (error) {
      this.lose();
      throw new RequestError(offline(error instanceof Error ? error.message : String(error)));
    }
    if (GATEWAY.includes(answer.status) && !answer.text.trimStart().startsWith('{')) {
      this.lose();
      throw new RequestError(offline(`status ${answer.status}`));
    }
    this.find();
    return answer;
  };

  /** Ask now whether the server is back. */
  readonly retry = async (): Promise<void> => {
    const lost = this.get();
    if (lost) {
      this.store.dispatch({ ...lost, trying: true });
    }
    try {
      await this.transport('GET', 'status');
    } catch {
      // Told by the transport.
    }
  };

  private lose(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.retry(), RETRY_MS);
    this.store.dispatch({ since: this.get()?.since ?? Date.now(), trying: false });
  }

  private find(): void {
    if (this.get()) {
      window.clearTimeout(this.timer);
      this.store.dispatch(null);
      this.healed();
    }
  }
}
