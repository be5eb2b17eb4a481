import type { ReactNode } from 'react';
import type { Block, ProjectUse, Resources, Run, RunRequest, WorkflowRow } from '../../contract';
import { DENIED, NOT_ENABLED, type Failure } from '../../client/failure';
import type { Log } from '../../state/log';
import type { Found } from '../../state/catalogue';
import type { Remote } from '../../state/remote';
import { TABS, type SidebarAction, type SidebarState, type Tab } from '../../state/sidebar';
import { isActive } from '../../state/states';
import { FailureBox, IconButton, panelOf, Tabs, useTrans } from '../elements';
import { BlocksTab } from './BlocksTab';
import { ProjectsTab } from './ProjectsTab';
import { RunsTab } from './RunsTab';
import { WorkflowsTab } from './WorkflowsTab';

export interface SidebarData {
  /** The newest version of every block that was found. */
  blocks: Remote<Found>;
  workflows: Remote<WorkflowRow[]>;
  runs: Remote<Run[]>;
  projects: Remote<ProjectUse[]>;
  log: Log;
  /** What went wrong with the last thing that was asked for; null once it is dismissed. */
  failure: Failure | null;
  /** The name that the user's runs bear; null while it is not known. */
  author: string | null;
  /** What the server says is not as it should be. */
  problems: string[];
}

export interface SidebarCallbacks {
  dispatch: (action: SidebarAction) => void;
  onRefresh: () => void;
  onDismiss: () => void;
  onRunBlock: (request: RunRequest) => void;
  /** Everything about a block, in a place with room. */
  onBlock: (name: string) => void;
  onAddToWorkflow: (block: Block) => void;
  onFromImage: () => void;
  onCopy: (reference: string) => void;
  onCompose: (workflow: { project: string; name: string } | null) => void;
  onStart: (row: WorkflowRow) => void;
  onPause: (row: WorkflowRow, paused: boolean) => void;
  onDelete: (row: WorkflowRow) => void;
  /** Everything about a run, in a place with room. */
  onRun: (run: Run) => void;
  /** Stands beside the button that starts a run. */
  runTools?: (request: RunRequest) => ReactNode;
  onCancel: (run: Run) => void;
  onRerun: (run: Run) => void;
  onNotebook: (run: Run, task: string) => void;
  onQuota: (project: string, quota: Resources) => void;
}

export interface SidebarProps extends SidebarData, SidebarCallbacks {
  state: SidebarState;
}

/** Blocks, workflows and runs, one tab each. */
export function Sidebar(props: SidebarProps) {
  const { state, dispatch, failure, problems } = props;
  const trans = useTrans();
  const closed = props.blocks.failure;
  if (closed && [NOT_ENABLED, DENIED].includes(closed.kind)) {
    // Nothing can be asked: said once, not in each tab.
    return (
      <section className="lq-root lq-sidebar" aria-label={trans.__('Lentiq')}>
        <div className="lq-scroll">
          <FailureBox failure={closed} onRetry={props.onRefresh} />
        </div>
      </section>
    );
  }
  return (
    <section className="lq-root lq-sidebar" aria-label={trans.__('Lentiq')}>
      <SidebarTabs {...props} />
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
        {...panelOf('lentiq', state.tab)}
        onKeyDown={event => {
          if (event.key === 'Escape' && (state.runForm !== null || state.deleting !== null || state.quota !== null)) {
            dispatch({ type: 'run-form', reference: null });
            dispatch({ type: 'deleting', workflow: null });
            dispatch({ type: 'quota', project: null });
          }
        }}
      >
        {state.tab === 'blocks' && <BlocksTab {...props} />}
        {state.tab === 'workflows' && <WorkflowsTab {...props} />}
        {state.tab === 'runs' && <RunsTab {...props} />}
        {state.tab === 'projects' && <ProjectsTab {...props} />}
      </div>
    </section>
  );
}

function SidebarTabs({ state, dispatch, onRefresh, runs }: SidebarProps) {
  const trans = useTrans();
  const names: { [tab in Tab]: string } = {
    blocks: trans.__('Blocks'),
    workflows: trans.__('Workflows'),
    runs: trans.__('Runs'),
    projects: trans.__('Projects')
  };
  const active = runs.value?.filter(run => isActive(run.state)).length ?? 0;
  const badge = active > 0 && (
    <span className="lq-badge" title={trans._n('%1 run going on', '%1 runs going on', active)}>
      {active}
    </span>
  );
  return (
    <div className="lq-tabs">
      <Tabs
        id="lentiq"
        label={trans.__('Lentiq')}
        tabs={TABS.map(tab => ({
          tab,
          name: (
            <>
              {names[tab]}
              {tab === 'runs' && badge}
            </>
          )
        }))}
        chosen={state.tab}
        onChoose={tab => dispatch({ type: 'tab', tab })}
      />
      <IconButton icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
    </div>
  );
}
