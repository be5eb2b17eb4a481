/** A value that changes by actions, and can be watched. */
export interface Store<S, A> {
  get(): S;
  dispatch(action: A): void;
  /** Calls `changed` after each change; returns what unsubscribes. */
  subscribe(changed: () => void): () => void;
}

export function createStore<S, A>(reduce: (state: S, action: A) => S, initial: S): Store<S, A> {
  let state = initial;
  const watchers = new Set<() => void>();
  return {
    get: () => state,
    dispatch: action => {
      const next = reduce(state, action);
      if (next !== state) {
        state = next;
        [...watchers].forEach(changed => changed());
      }
    },
    subscribe: changed => {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    }
  };
}
