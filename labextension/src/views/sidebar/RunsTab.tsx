import type { Run } from '../../contract';
import { ALL_RUNS, filterRuns, RUN_KINDS, type RunFilter, type RunKind } from '../../state/runs';
import { elapsed, isActive, newestTasks, runProgress } from '../../state/states';
import { fullTime, readableDuration, relativeTime } from '../../state/time';
import { Button, Empty, Icon, Loaded, ProgressBar, StateMark, useNow, useTrans } from '../elements';
import { TaskList } from './TaskList';
import type { SidebarProps } from './Sidebar';

/** Runs, newest first. */
export function RunsTab(props: SidebarProps) {
  const { runs, onRefresh } = props;
  const trans = useTrans();
  return (
    <Loaded of={runs} label={trans.__('Fetching runs…')} onRetry={onRefresh}>
      {all =>
        all.length === 0 ? (
          <Empty icon="play" title={trans.__('No runs yet')}>
            <p>{trans.__('Run a block, or start a workflow: it shows up here.')}</p>
          </Empty>
        ) : (
          <Filtered all={all} {...props} />
        )
      }
    </Loaded>
  );
}

function Filtered({ all, ...props }: SidebarProps & { all: Run[] }) {
  const trans = useTrans();
  const { state, dispatch, author } = props;
  const filter = state.runFilter;
  const found = filterRuns(all, filter, author);
  const narrow = (change: Partial<RunFilter>) => dispatch({ type: 'run-filter', filter: { ...filter, ...change } });
  const names: { [kind in RunKind]: string } = {
    all: trans.__('any state'),
    active: trans.__('going on'),
    succeeded: trans.__('succeeded'),
    failed: trans.__('failed'),
    other: trans.__('cancelled, lost, skipped')
  };
  return (
    <>
      <div className="lq-run-filter" role="search" aria-label={trans.__('Filter of the runs')}>
        <input
          type="search"
          className="lq-input"
          aria-label={trans.__('Workflow or project')}
          placeholder={trans.__('Workflow or project')}
          value={filter.text}
          onChange={event => narrow({ text: event.target.value })}
        />
        <select
          className="lq-input"
          aria-label={trans.__('State')}
          value={filter.state}
          onChange={event => narrow({ state: RUN_KINDS.find(kind => kind === event.target.value) ?? 'all' })}
        >
          {RUN_KINDS.map(kind => (
            <option key={kind} value={kind}>
              {names[kind]}
            </option>
          ))}
        </select>
        <label className="lq-check">
          <input type="checkbox" checked={filter.mine} onChange={event => narrow({ mine: event.target.checked })} />
          <span>{trans.__('mine')}</span>
        </label>
      </div>
      {found.length === 0 ? (
        <Empty icon="search" title={trans.__('No run matches')}>
          <p>{trans._n('The newest run was looked at.', 'The newest %1 runs were looked at.', all.length)}</p>
          <Button icon="close" onClick={() => narrow(ALL_RUNS)}>
            {trans.__('Show all runs')}
          </Button>
        </Empty>
      ) : (
        <ul className="lq-list" aria-label={trans.__('Runs')}>
          {found.map(run => (
            <RunRow key={run.id} run={run} {...props} />
          ))}
        </ul>
      )}
    </>
  );
}

function RunRow({ run, ...props }: SidebarProps & { run: Run }) {
  const trans = useTrans();
  const open = props.state.run === run.id;
  const active = isActive(run.state);
  const now = useNow(true, active ? 1000 : 30_000);
  const lasted = elapsed(run.started_at, run.ended_at, now);
  const count = newestTasks(run).filter(task => task.item === null).length;
  return (
    <li className={`lq-card${open ? ' lq-open' : ''}`}>
      <button
        type="button"
        className="lq-card-head"
        aria-expanded={open}
        onClick={() => props.dispatch({ type: 'toggle-run', id: run.id })}
      >
        <Icon name="chevron" className="lq-chevron" />
        <span className="lq-title">{run.workflow.name}</span>
        <span className="lq-state">
          <StateMark state={run.state} />
          {run.state}
        </span>
        <span className="lq-meta">
          <span title={fullTime(run.created_at)}>{relativeTime(run.created_at, now)}</span>
          {lasted !== null && <span>{readableDuration(lasted)}</span>}
          <span>{trans._n('%1 task', '%1 tasks', count)}</span>
        </span>
        {active && <ProgressBar share={runProgress(run)} label={trans.__('Progress of %1', run.workflow.name)} />}
      </button>
      {open && <RunDetails run={run} {...props} />}
    </li>
  );
}

function RunDetails({ run, ...props }: SidebarProps & { run: Run }) {
  const trans = useTrans();
  const active = isActive(run.state);
  return (
    <div className="lq-card-body">
      {run.reason && <p className="lq-reason">{run.reason}</p>}
      <p className="lq-hint lq-run-facts">
        <span className="lq-code">{run.id}</span>
        <span>{run.due_at ? trans.__('due %1', fullTime(run.due_at)) : trans.__('started by hand')}</span>
        <span>{trans.__('executor %1', run.executor)}</span>
        {run.author && <span>{run.author}</span>}
      </p>
      <div className="lq-actions">
        <Button icon="log" onClick={() => props.onRun(run)}>
          {trans.__('Open')}
        </Button>
        {active ? (
          <Button icon="stop" onClick={() => props.onCancel(run)} disabled={run.cancel_requested}>
            {run.cancel_requested ? trans.__('Cancelling…') : trans.__('Cancel')}
          </Button>
        ) : (
          <Button icon="refresh" onClick={() => props.onRerun(run)}>
            {trans.__('Run again')}
          </Button>
        )}
      </div>
      <TaskList run={run} {...props} />
    </div>
  );
}
