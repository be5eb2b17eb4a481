import type { Run, TaskRun } from '../../contract';
import type { TaskTab } from '../../state/runPage';
import { elapsed, hasLog, isTaskActive, labelOf } from '../../state/states';
import { readableDuration } from '../../state/time';
import { Button, IconButton, LogView, panelOf, ProgressBar, StateMark, Tabs, useNow, useTrans } from '../elements';
import { ExecutedNotebook } from './ExecutedNotebook';
import type { RunPageProps } from './RunPage';
import { TaskFacts } from './TaskFacts';

type Props = Omit<RunPageProps, 'run'> & { run: Run; one: TaskRun; address: string };

/** One task of the run: its log, its notebook as it grows, what it was given and what it used. */
export function TaskPanel(props: Props) {
  const { run, one, address, state, dispatch, log } = props;
  const trans = useTrans();
  const active = isTaskActive(one.state);
  const now = useNow(active);
  const lasted = elapsed(one.started_at, one.ended_at, now);
  const attempts = run.tasks.filter(other => labelOf(other) === labelOf(one));
  const newest = Math.max(...attempts.map(other => other.attempt));
  const id = `lq-run-${run.id}-task`;
  const tabs: { tab: TaskTab; name: string }[] = [
    ...(hasLog(one)
      ? [
          { tab: 'log' as const, name: trans.__('Log') },
          { tab: 'notebook' as const, name: trans.__('Notebook') }
        ]
      : []),
    { tab: 'facts', name: trans.__('Inputs and resources') }
  ];
  const tab = tabs.some(other => other.tab === state.taskTab) ? state.taskTab : 'facts';
  return (
    <section className="lq-run-task" aria-label={trans.__('Task %1', address)}>
      <header className="lq-run-task-header">
        <div className="lq-card-row">
          <h3 className="lq-title">{address}</h3>
          <span className="lq-state">
            <StateMark state={one.state} />
            <span className="lq-word">{one.state}</span>
          </span>
          {lasted !== null && <span className="lq-size">{readableDuration(lasted)}</span>}
          <span className="lq-grow" />
          {active && (
            <Button icon="stop" onClick={() => props.onCancel(labelOf(one).split('.')[0] ?? null)} disabled={props.busy || one.cancel_requested}>
              {one.cancel_requested ? trans.__('Cancelling…') : trans.__('Cancel this task')}
            </Button>
          )}
          <IconButton icon="close" label={trans.__('Close the task')} onClick={() => dispatch({ type: 'task', task: null })} />
        </div>
        {attempts.length > 1 && (
          <div className="lq-choice" role="group" aria-label={trans.__('Attempts')}>
            {attempts.map(other => {
              const to = other.attempt === newest ? labelOf(other) : `${labelOf(other)}@${other.attempt}`;
              return (
                <button
                  key={other.attempt}
                  type="button"
                  className="lq-button"
                  aria-pressed={other === one}
                  onClick={() => dispatch({ type: 'task', task: to })}
                >
                  {trans.__('Attempt %1', other.attempt)}
                </button>
              );
            })}
          </div>
        )}
        {one.reason && <p className={`lq-reason lq-reason-${one.state.toLowerCase()}`}>{one.reason}</p>}
        {active && one.progress && (
          <ProgressBar share={one.progress.done / (one.progress.total || 1)} label={trans.__('Progress of %1', address)} />
        )}
      </header>
      <div className="lq-tabs">
        <Tabs id={id} label={trans.__('About %1', address)} tabs={tabs} chosen={tab} onChoose={chosen => dispatch({ type: 'task-tab', tab: chosen })} />
      </div>
      <div className="lq-run-tab lq-scroll" {...panelOf(id, tab)}>
        {tab === 'log' && <LogView text={log.text} cut={log.cut} live={active} label={trans.__('Log of %1', address)} />}
        {tab === 'notebook' && <ExecutedNotebook {...props} />}
        {tab === 'facts' && <TaskFacts {...props} />}
      </div>
    </section>
  );
}
