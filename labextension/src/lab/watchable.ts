/** Anything that has a value and says when it changes. */
export interface Watchable<T> {
  get: () => T;
  subscribe: (changed: () => void) => () => void;
}
