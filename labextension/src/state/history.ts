/** What can be undone and done again. */
export interface History<T> {
  past: readonly T[];
  future: readonly T[];
  /** What the last change was about, and when: typing in one field is undone as one. */
  last: { about: string | null; at: number } | null;
}

export const noHistory: History<never> = { past: [], future: [], last: null };

const LIMIT = 200;
const TOGETHER_MS = 1000;

/** After a change of `before`; `about` says what was changed, as in `inputs train`: null for a step of its own. */
export function remember<T>(history: History<T>, before: T, about: string | null, now: number): History<T> {
  const { last } = history;
  const goesOn = last !== null && about !== null && last.about === about && now - last.at < TOGETHER_MS && history.future.length === 0;
  return {
    past: goesOn ? history.past : [...history.past, before].slice(-LIMIT),
    future: [],
    last: { about, at: now }
  };
}

/** What to go back to, and the history then; null where there is nothing. */
export function undo<T>(history: History<T>, now: T): { value: T; history: History<T> } | null {
  const value = history.past.at(-1);
  return value === undefined
    ? null
    : { value, history: { past: history.past.slice(0, -1), future: [now, ...history.future], last: null } };
}

/** What was undone last, and the history then; null where nothing was. */
export function redo<T>(history: History<T>, now: T): { value: T; history: History<T> } | null {
  const [value, ...future] = history.future;
  return value === undefined ? null : { value, history: { past: [...history.past, now], future, last: null } };
}
