import type { Run } from '../../contract';
import { elapsed, isActive, newestTasks, runProgress } from '../../state/states';
import { fullTime, readableDuration } from '../../state/time';
import { Button, Icon, IconButton, ProgressBar, StateMark, useNow, useTrans } from '../elements';
import type { RunPageProps } from './RunPage';

type Props = Pick<RunPageProps, 'busy' | 'onCancel' | 'onRerun' | 'onWorkflow' | 'onRun' | 'onCopy' | 'tools'> & { run: Run };

/** What run this is, how it stands, and what can be done with it. */
export function RunHeader({ run, busy, onCancel, onRerun, onWorkflow, onRun, onCopy, tools }: Props) {
  const trans = useTrans();
  const active = isActive(run.state);
  const now = useNow(active);
  const lasted = elapsed(run.started_at ?? run.created_at, run.ended_at, now);
  const tasks = newestTasks(run);
  const unfinished = !active && tasks.some(one => one.state === 'SUCCEEDED') && tasks.some(one => one.state !== 'SUCCEEDED');
  // A block that was run by itself has a workflow that was never saved.
  const saved = run.workflow.revision > 0;
  const { name, project } = run.workflow;
  const { rerun_of: earlier } = run;
  return (
    <header className="lq-run-header">
      <div className="lq-run-title">
        <Icon name="play" />
        <h2>{name}</h2>
        <span className="lq-state" role="status" aria-label={trans.__('State of the run')}>
          <StateMark state={run.state} />
          <span className="lq-word">{run.state}</span>
        </span>
        {lasted !== null && <span className="lq-size">{readableDuration(lasted)}</span>}
        <span className="lq-grow" />
        <div className="lq-actions">
          {active ? (
            <Button icon="stop" kind="danger" onClick={() => onCancel(null)} disabled={busy || run.cancel_requested}>
              {run.cancel_requested ? trans.__('Cancelling…') : trans.__('Cancel')}
            </Button>
          ) : (
            <>
              {unfinished && (
                <Button
                  icon="resume"
                  kind="primary"
                  onClick={() => onRerun(true)}
                  disabled={busy}
                  title={trans.__('A new run, with the results of the tasks that succeeded')}
                >
                  {trans.__('Run again from failed')}
                </Button>
              )}
              <Button icon="refresh" onClick={() => onRerun(false)} disabled={busy}>
                {trans.__('Run again')}
              </Button>
            </>
          )}
          {tools?.(run)}
          {saved && onWorkflow && (
            <Button icon="edit" onClick={() => onWorkflow({ project, name })}>
              {trans.__('Workflow')}
            </Button>
          )}
        </div>
      </div>
      <p className="lq-run-facts lq-hint">
        <span className="lq-nowrap">
          <span className="lq-code">{run.id}</span>
          <IconButton icon="copy" label={trans.__('Copy the command that shows this run')} onClick={() => onCopy(`lentiq runs show ${run.id}`)} />
        </span>
        <span>{trans.__('project %1', project)}</span>
        <span>{run.due_at ? trans.__('due %1', fullTime(run.due_at)) : trans.__('started by hand')}</span>
        <span>{trans.__('created %1', fullTime(run.created_at))}</span>
        {run.author && <span>{trans.__('by %1', run.author)}</span>}
        <span>{trans.__('executor %1', run.executor)}</span>
        {earlier !== null && (
          <Button kind="link" onClick={() => onRun(earlier)}>
            {trans.__('repeats what failed in %1', earlier)}
          </Button>
        )}
      </p>
      {run.reason && <p className={`lq-reason lq-reason-${run.state.toLowerCase()}`}>{run.reason}</p>}
      {active && <ProgressBar share={runProgress(run)} label={trans.__('Progress of the run')} />}
    </header>
  );
}
