import type { Block, BlockUse } from '../contract';

/** What is open on the page of one block. Data is elsewhere. */
export type PageTab = 'overview' | 'packages' | 'versions' | 'users' | 'compare';

export const PAGE_TABS: readonly PageTab[] = ['overview', 'packages', 'versions', 'users', 'compare'];

/** What the page asks the user before it does it. `remove-used` is the second question. */
export type Question = 'run' | 'deprecate' | 'remove' | 'remove-used';

export interface PageState {
  tab: PageTab;
  /** The version that is shown; null for the newest. */
  version: string | null;
  /** The version it is compared with; null for the one before it. */
  other: string | null;
  asking: Question | null;
}

export type PageAction =
  | { type: 'tab'; tab: PageTab }
  | { type: 'version'; version: string | null }
  | { type: 'compare'; version: string; other: string | null }
  | { type: 'ask'; question: Question | null };

export const initialPage: PageState = { tab: 'overview', version: null, other: null, asking: null };

export function reducePage(state: PageState, action: PageAction): PageState {
  switch (action.type) {
    case 'tab':
      return { ...state, tab: action.tab };
    case 'version':
      return { ...state, version: action.version, other: null, asking: null };
    case 'compare':
      return { ...state, tab: 'compare', version: action.version, other: action.other, asking: null };
    case 'ask':
      return { ...state, asking: action.question };
  }
}

/** The version that the page shows; undefined when there is none of it any more. `versions` are newest first. */
export function shownVersion(state: PageState, versions: readonly Block[]): Block | undefined {
  return state.version === null ? versions[0] : versions.find(one => one.version === state.version);
}

/** The version that `shown` is compared with: the chosen one, else the one before it, else the one after it. */
export function comparedVersion(state: PageState, versions: readonly Block[], shown: Block): Block | undefined {
  const place = versions.indexOf(shown);
  const chosen = versions.find(one => one.version === state.other && one !== shown);
  return chosen ?? versions[place + 1] ?? versions[place - 1];
}

/** The workflows among `users`, each once, with the versions that its tasks use. */
export function usingWorkflows(users: readonly BlockUse[]): { project: string; workflow: string; uses: BlockUse[] }[] {
  const found = new Map<string, { project: string; workflow: string; uses: BlockUse[] }>();
  for (const use of users) {
    const key = `${use.project}/${use.workflow}`;
    const one = found.get(key) ?? { project: use.project, workflow: use.workflow, uses: [] };
    one.uses.push(use);
    found.set(key, one);
  }
  return [...found.values()];
}
