import { useRef } from 'react';
import type { Block, Run, RunRequest, WorkflowRow } from '../../contract';
import type { Failure } from '../../client/failure';
import type { Log } from '../../state/log';
import type { Remote } from '../../state/remote';
import { tabAfterKey, TABS, type SidebarAction, type SidebarState, type Tab } from '../../state/sidebar';
import { isActive } from '../../state/states';
import { FailureBox, IconButton, useTrans } from '../elements';
import { BlocksTab } from './BlocksTab';
import { RunsTab } from './RunsTab';
import { WorkflowsTab } from './WorkflowsTab';

export interface SidebarData {
  blocks: Remote<Block[]>;
  /** All versions of the block that is unfolded, newest first. */
  versions: Remote<Block[]>;
  workflows: Remote<WorkflowRow[]>;
  runs: Remote<Run[]>;
  log: Log;
  /** What went wrong with the last thing that was asked for; null once it is dismissed. */
  failure: Failure | null;
  /** What the server says is not as it should be. */
  problems: string[];
}

export interface SidebarCallbacks {
  dispatch: (action: SidebarAction) => void;
  onRefresh: () => void;
  onDismiss: () => void;
  onRunBlock: (request: RunRequest) => void;
  onDockerfile: (name: string, version: string) => void;
  onCopy: (reference: string) => void;
  onCompose: (workflow: { project: string; name: string } | null) => void;
  onStart: (row: WorkflowRow) => void;
  onPause: (row: WorkflowRow, paused: boolean) => void;
  onDelete: (row: WorkflowRow) => void;
  onCancel: (run: Run) => void;
  onRerun: (run: Run) => void;
  onNotebook: (run: Run, task: string) => void;
}

export interface SidebarProps extends SidebarData, SidebarCallbacks {
  state: SidebarState;
}

/** Blocks, workflows and runs, one tab each. */
export function Sidebar(props: SidebarProps) {
  const { state, dispatch, failure, problems } = props;
  const trans = useTrans();
  return (
    <section className="lq-root lq-sidebar" aria-label={trans.__('Lentiq')}>
      <Tabs {...props} />
      {failure && (
        <div className="lq-dismissable">
          <FailureBox failure={failure} />
          <IconButton icon="close" label={trans.__('Dismiss')} onClick={props.onDismiss} />
        </div>
      )}
      {problems.length > 0 && (
        <details className="lq-problems">
          <summary>{trans._n('%1 thing needs attention', '%1 things need attention', problems.length)}</summary>
          <ul>
            {problems.map(problem => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </details>
      )}
      <div
        className="lq-scroll"
        role="tabpanel"
        id={`lentiq-panel-${state.tab}`}
        aria-labelledby={`lentiq-tab-${state.tab}`}
        onKeyDown={event => {
          if (event.key === 'Escape' && (state.runForm !== null || state.deleting !== null)) {
            dispatch({ type: 'run-form', reference: null });
            dispatch({ type: 'deleting', workflow: null });
          }
        }}
      >
        {state.tab === 'blocks' && <BlocksTab {...props} />}
        {state.tab === 'workflows' && <WorkflowsTab {...props} />}
        {state.tab === 'runs' && <RunsTab {...props} />}
      </div>
    </section>
  );
}

function Tabs({ state, dispatch, onRefresh, runs }: SidebarProps) {
  const trans = useTrans();
  const list = useRef<HTMLDivElement>(null);
  const names: { [tab in Tab]: string } = {
    blocks: trans.__('Blocks'),
    workflows: trans.__('Workflows'),
    runs: trans.__('Runs')
  };
  const active = runs.value?.filter(run => isActive(run.state)).length ?? 0;
  return (
    <div className="lq-tabs">
      <div
        role="tablist"
        aria-label={trans.__('Lentiq')}
        ref={list}
        onKeyDown={event => {
          const next = tabAfterKey(state.tab, event.key);
          if (next) {
            event.preventDefault();
            dispatch({ type: 'tab', tab: next });
            list.current?.querySelector<HTMLElement>(`#lentiq-tab-${next}`)?.focus();
          }
        }}
      >
        {TABS.map(tab => (
          <button
            key={tab}
            type="button"
            role="tab"
            id={`lentiq-tab-${tab}`}
            aria-selected={state.tab === tab}
            aria-controls={state.tab === tab ? `lentiq-panel-${tab}` : undefined}
            tabIndex={state.tab === tab ? 0 : -1}
            onClick={() => dispatch({ type: 'tab', tab })}
          >
            {names[tab]}
            {tab === 'runs' && active > 0 && (
              <span className="lq-badge" title={trans._n('%1 run going on', '%1 runs going on', active)}>
                {active}
              </span>
            )}
          </button>
        ))}
      </div>
      <IconButton icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
    </div>
  );
}
