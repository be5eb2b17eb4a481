import type { WorkflowRow } from '../../contract';
import { isActive } from '../../state/states';
import { fullTime, relativeTime } from '../../state/time';
import { Button, Empty, IconButton, Loaded, StateMark, useNow, useTrans } from '../elements';
import type { SidebarProps } from './Sidebar';

/** All workflows: when each starts next, how it ended last. */
export function WorkflowsTab(props: SidebarProps) {
  const { workflows, onCompose, onRefresh } = props;
  const trans = useTrans();
  return (
    <Loaded of={workflows} label={trans.__('Fetching workflows…')} onRetry={onRefresh}>
      {rows =>
        rows.length === 0 ? (
          <Empty icon="edit" title={trans.__('No workflows yet')}>
            <p>{trans.__('A workflow runs blocks one after another, by hand or on a schedule.')}</p>
            <Button kind="primary" icon="add" onClick={() => onCompose(null)}>
              {trans.__('Compose a workflow')}
            </Button>
          </Empty>
        ) : (
          <>
            <div className="lq-toolbar">
              <Button icon="add" onClick={() => onCompose(null)}>
                {trans.__('Compose a workflow')}
              </Button>
            </div>
            <ul className="lq-list" aria-label={trans.__('Workflows')}>
              {rows.map(row => (
                <Row key={keyOf(row)} row={row} {...props} />
              ))}
            </ul>
          </>
        )
      }
    </Loaded>
  );
}

function keyOf(row: WorkflowRow): string {
  return `${row.workflow.project}/${row.workflow.name}`;
}

function Row({ row, state, dispatch, ...calls }: SidebarProps & { row: WorkflowRow }) {
  const trans = useTrans();
  const { workflow, last_run: last } = row;
  const name = workflow.name;
  const deleting = state.deleting === keyOf(row);
  const going = last !== null && isActive(last.state);
  return (
    <li className="lq-card lq-workflow">
      <div className="lq-card-row">
        <span className="lq-title">
          {workflow.project !== 'default' && <span className="lq-version">{workflow.project}/</span>}
          {name}
        </span>
        <IconButton
          icon="play"
          label={going ? trans.__('%1 is running', name) : trans.__('Start %1', name)}
          disabled={going}
          onClick={() => calls.onStart(row)}
        />
        {workflow.schedule && (
          <IconButton
            icon={workflow.paused ? 'resume' : 'pause'}
            label={workflow.paused ? trans.__('Resume %1', name) : trans.__('Pause %1', name)}
            onClick={() => calls.onPause(row, !workflow.paused)}
          />
        )}
        <IconButton
          icon="edit"
          label={trans.__('Open %1 in composer', name)}
          onClick={() => calls.onCompose({ project: workflow.project, name })}
        />
        <IconButton
          icon="trash"
          label={trans.__('Delete %1', name)}
          onClick={() => dispatch({ type: 'deleting', workflow: keyOf(row) })}
        />
      </div>
      <div className="lq-meta lq-meta-flat">
        <span>{trans._n('%1 task', '%1 tasks', workflow.tasks.length)}</span>
        <NextStart row={row} />
      </div>
      {last && (
        <button
          type="button"
          className="lq-button lq-link lq-state"
          onClick={() => dispatch({ type: 'show-run', id: last.id, task: null })}
        >
          <StateMark state={last.state} />
          {last.state}
          <span className="lq-quiet">{trans.__('last run')}</span>
        </button>
      )}
      {deleting && (
        <div className="lq-confirm" role="alertdialog" aria-label={trans.__('Delete %1?', name)}>
          <p>{trans.__('Delete %1? It will not start again; its runs stay.', name)}</p>
          <div className="lq-actions">
            <Button kind="danger" onClick={() => calls.onDelete(row)}>
              {trans.__('Delete')}
            </Button>
            <Button onClick={() => dispatch({ type: 'deleting', workflow: null })}>{trans.__('Keep')}</Button>
          </div>
        </div>
      )}
    </li>
  );
}

function NextStart({ row }: { row: WorkflowRow }) {
  const trans = useTrans();
  const now = useNow(true, 15_000);
  const schedule = row.workflow.schedule;
  if (!schedule) {
    return <span>{trans.__('started by hand')}</span>;
  }
  if (row.workflow.paused) {
    return <span className="lq-strong">{trans.__('paused')}</span>;
  }
  if (!row.next_start) {
    return <span>{trans.__('no further start')}</span>;
  }
  return (
    <span title={fullTime(row.next_start, schedule.timezone)}>
      {trans.__('next %1', relativeTime(row.next_start, now))}
    </span>
  );
}
