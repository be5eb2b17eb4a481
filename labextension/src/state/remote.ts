import type { Failure } from '../client/failure';

/**
 * Something that is fetched: the last value (null before the first), what went wrong last (null if it
 * worked), whether a request is under way. A value stays while it is fetched again or cannot be.
 */
export interface Remote<T> {
  value: T | null;
  failure: Failure | null;
  loading: boolean;
}

export function unfetched<T>(): Remote<T> {
  return { value: null, failure: null, loading: true };
}

export function fetched<T>(value: T): Remote<T> {
  return { value, failure: null, loading: false };
}
