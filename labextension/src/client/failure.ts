import type { ErrorBody } from '../contract';

/** What a user is told when something did not work: what is wrong, and what to do next. */
export interface Failure {
  kind: string;
  message: string;
  hint: string;
  faults: string[];
  /** The end of what a builder or a run printed; "" when there is none. */
  log: string;
}

/** A request that was answered with an error, or not at all. */
export class RequestError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = 'RequestError';
  }
}

/** Kind of the failure that means: the server cannot be reached. It is asked again by itself. */
export const OFFLINE = 'Offline';

/** Kind of the failure that means: this user may not use the routes. */
export const DENIED = 'Denied';

/** Kind of the failure that means: the server half is not there. */
export const NOT_ENABLED = 'NotEnabled';

export const notEnabled: Failure = {
  kind: NOT_ENABLED,
  message: 'The server half of Lentiq is missing.',
  hint: 'Then restart JupyterLab and reload this page.',
  faults: [],
  log: ''
};

/** The failure that an exception of any origin stands for. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RequestError) {
    return error.failure;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'Unexpected', message, hint: '', faults: [], log: '' };
}

/** The failure of a request that nobody answered; `reason` is what the browser or a proxy says, "" for nothing. */
export function offline(reason: string): Failure {
  return {
    kind: OFFLINE,
    message: `The Jupyter server does not answer${reason && ` (${reason})`}.`,
    hint: 'It is asked again by itself.',
    faults: [],
    log: ''
  };
}

/**
 * The failure of an HTTP answer that is not a success.
 *
 * A 404 that does not speak this interface's JSON comes from Jupyter itself: nobody handles the route.
 */
export function failureOfAnswer(status: number, text: string): Failure {
  const body = errorBody(text);
  if (body) {
    return { kind: body.kind, message: body.message, hint: body.hint ?? '', faults: body.faults ?? [], log: body.log ?? '' };
  }
  if (status === 404) {
    return notEnabled;
  }
  if (status === 401 || status === 403) {
    return { kind: DENIED, message: 'The Jupyter server refused this.', hint: 'Log in again.', faults: [], log: '' };
  }
  return {
    kind: 'Unexpected',
    message: `The Jupyter server answered with status ${status}.`,
    hint: 'Its log says more.',
    faults: [],
    log: ''
  };
}

function errorBody(text: string): ErrorBody | null {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null && 'error' in document) {
      const body = (document as { error: Partial<ErrorBody> | null }).error;
      return body && typeof body.message === 'string' && typeof body.kind === 'string' ? (body as ErrorBody) : null;
    }
  } catch {
    // Not JSON: an HTML error page of the server or of a proxy.
  }
  return null;
}
