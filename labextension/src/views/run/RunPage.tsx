import type { ReactNode } from 'react';
import type { Failure } from '../../client/failure';
import type { Block, Run } from '../../contract';
import type { Log } from '../../state/log';
import type { Remote } from '../../state/remote';
import { chosenInGraph, type RunPageAction, type RunPageState } from '../../state/runPage';
import { findAddressed } from '../../state/states';
import { Graph } from '../composer/LazyGraph';
import { FailureBox, IconButton, Loaded, panelOf, Tabs, useTrans } from '../elements';
import { RunHeader } from './RunHeader';
import { TaskPanel } from './TaskPanel';
import { TimelineView } from './TimelineView';

export interface RunPageProps {
  id: string;
  state: RunPageState;
  run: Remote<Run>;
  log: Log;
  /** The executed notebook of the chosen task: a document that nobody vouches for. */
  notebook: Remote<unknown>;
  /** What the last click came to, if it did not work. */
  failure: Failure | null;
  busy: boolean;
  /** Whether the page can be seen: the graph measures itself, so it must not be drawn before. */
  visible: boolean;
  dispatch: (action: RunPageAction) => void;
  onRefresh: () => void;
  onDismiss: () => void;
  /** `task` null: the whole run. */
  onCancel: (task: string | null) => void;
  onRerun: (fromFailed: boolean) => void;
  /** This and the next two are absent where there is no place for what they would open. */
  onWorkflow?: ((workflow: { project: string; name: string }) => void) | undefined;
  onBlock?: ((name: string, version: string | null) => void) | undefined;
  /** Open another run. */
  onRun: (id: string) => void;
  onCopy: (text: string) => void;
  /** Stands beside what can be done with the run. */
  tools?: (run: Run) => ReactNode;
  /** `cell` is the one to look at; null for the first. */
  onNotebook?: ((task: string, cell: number | null) => void) | undefined;
}

const NO_BLOCKS: Block[] = [];
const NO_FAULTS: [] = [];

/** One run: what each of its tasks does, waits for and came to. */
export function RunPage(props: RunPageProps) {
  const trans = useTrans();
  return (
    <section className="lq-root lq-run" aria-label={trans.__('Run %1', props.id)}>
      {props.failure && (
        <div className="lq-dismissable">
          <FailureBox failure={props.failure} />
          <IconButton icon="close" label={trans.__('Dismiss')} onClick={props.onDismiss} />
        </div>
      )}
      <Loaded of={props.run} label={trans.__('Fetching the run…')} onRetry={props.onRefresh}>
        {run => <Shown {...props} of={run} />}
      </Loaded>
    </section>
  );
}

function Shown({ of: run, ...props }: Omit<RunPageProps, 'run'> & { of: Run }) {
  const trans = useTrans();
  const { state, dispatch } = props;
  const id = `lq-run-${props.id}`;
  const chosen = state.task === null ? null : findAddressed(run, state.task);
  const choose = (task: string | null) => dispatch({ type: 'task', task });
  return (
    <>
      <RunHeader {...props} run={run} />
      <div className="lq-run-body">
        <div className="lq-run-tasks">
          <div className="lq-tabs">
            <Tabs
              id={id}
              label={trans.__('Tasks of the run')}
              tabs={[
                { tab: 'graph', name: trans.__('Graph') },
                { tab: 'timeline', name: trans.__('Timeline') }
              ]}
              chosen={state.tab}
              onChoose={tab => dispatch({ type: 'tab', tab })}
            />
          </div>
          <div className="lq-run-tab" {...panelOf(id, state.tab)}>
            {state.tab === 'graph' ? (
              <Graph
                workflow={run.workflow}
                run={run}
                blocks={NO_BLOCKS}
                faults={NO_FAULTS}
                selection={chosenInGraph(state.task)}
                visible={props.visible}
                onSelection={change => dispatch({ type: 'graph', change })}
                changes={null}
              />
            ) : (
              <TimelineView run={run} chosen={state.task} onChoose={choose} />
            )}
          </div>
        </div>
        {chosen && state.task !== null ? (
          <TaskPanel key={state.task} {...props} run={run} one={chosen} address={state.task} />
        ) : (
          <div className="lq-run-task lq-run-none">
            <p className="lq-hint">{trans.__('Choose a task to see its log, its notebook and what it used.')}</p>
          </div>
        )}
      </div>
    </>
  );
}
