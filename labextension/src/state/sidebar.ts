import { itemAfterKey } from './keys';
import { ALL_RUNS, type RunFilter } from './runs';

/** What is open in the sidebar. Data is elsewhere: this is only where the user looks. */
export type Tab = 'blocks' | 'workflows' | 'runs' | 'projects';

export const TABS: readonly Tab[] = ['blocks', 'workflows', 'runs', 'projects'];

export interface SidebarState {
  tab: Tab;
  /** Text of the search field. */
  search: string;
  /** Whether deprecated blocks are listed. */
  deprecated: boolean;
  /** Name of the block that is unfolded. */
  block: string | null;
  /** `name@version` whose run form is open. */
  runForm: string | null;
  runFilter: RunFilter;
  /** Id of the run that is unfolded. */
  run: string | null;
  /** Task of that run whose log is shown. */
  task: string | null;
  /** `project/name` of the workflow that is about to be deleted. */
  deleting: string | null;
  /** Name of the project whose quota is being changed. */
  quota: string | null;
}

export type SidebarAction =
  | { type: 'tab'; tab: Tab }
  | { type: 'search'; text: string }
  | { type: 'deprecated'; listed: boolean }
  | { type: 'toggle-block'; name: string }
  | { type: 'show-block'; name: string; runForm: string | null }
  | { type: 'run-form'; reference: string | null }
  | { type: 'run-filter'; filter: RunFilter }
  | { type: 'toggle-run'; id: string }
  | { type: 'show-run'; id: string; task: string | null }
  | { type: 'task-log'; task: string | null }
  | { type: 'deleting'; workflow: string | null }
  | { type: 'quota'; project: string | null };

export const initialSidebar: SidebarState = {
  tab: 'blocks',
  search: '',
  deprecated: true,
  block: null,
  runForm: null,
  runFilter: ALL_RUNS,
  run: null,
  task: null,
  deleting: null,
  quota: null
};

export function reduceSidebar(state: SidebarState, action: SidebarAction): SidebarState {
  switch (action.type) {
    case 'tab':
      return { ...state, tab: action.tab, deleting: null, quota: null };
    case 'search':
      return { ...state, search: action.text };
    case 'deprecated':
      return { ...state, deprecated: action.listed };
    case 'toggle-block':
      return { ...state, block: state.block === action.name ? null : action.name, runForm: null };
    case 'show-block':
      return { ...state, tab: 'blocks', search: '', deprecated: true, block: action.name, runForm: action.runForm };
    case 'run-form':
      return { ...state, runForm: action.reference };
    case 'run-filter':
      return { ...state, runFilter: action.filter };
    case 'toggle-run':
      return state.run === action.id ? { ...state, run: null, task: null } : { ...state, run: action.id, task: null };
    case 'show-run':
      return { ...state, tab: 'runs', runFilter: ALL_RUNS, run: action.id, task: action.task };
    case 'task-log':
      return { ...state, task: action.task };
    case 'deleting':
      return { ...state, deleting: action.workflow };
    case 'quota':
      return { ...state, quota: action.project };
  }
}

/** The tab that a key leads to from `tab` in a list of tabs (WAI-ARIA tabs pattern); null for other keys. */
export function tabAfterKey(tab: Tab, key: string): Tab | null {
  return itemAfterKey(TABS, tab, key);
}
