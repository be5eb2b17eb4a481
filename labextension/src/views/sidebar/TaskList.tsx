import type { Run, TaskRun } from '../../contract';
import { readableMemory } from '../../state/resources';
import { elapsed, hasLog, isTaskActive, itemsDone, labelOf, shownTasks } from '../../state/states';
import { readableDuration } from '../../state/time';
import { shortValue } from '../../state/values';
import { IconButton, LogView, ProgressBar, StateMark, useNow, useTrans } from '../elements';
import type { SidebarProps } from './Sidebar';

/** The tasks of a run: state, why it waits or failed, how far it is, its log and notebook. */
export function TaskList({ run, ...props }: SidebarProps & { run: Run }) {
  const trans = useTrans();
  return (
    <ul className="lq-tasks" aria-label={trans.__('Tasks of %1', run.workflow.name)}>
      {shownTasks(run).map(task => (
        <Task key={labelOf(task)} run={run} one={task} {...props} />
      ))}
    </ul>
  );
}

function Task({ run, one, state, dispatch, log, onNotebook }: SidebarProps & { run: Run; one: TaskRun }) {
  const trans = useTrans();
  const name = labelOf(one);
  const items = itemsDone(run, one);
  const active = isTaskActive(one.state);
  const now = useNow(active);
  const lasted = elapsed(one.started_at, one.ended_at, now);
  const showing = state.run === run.id && state.task === name;
  const outputs = Object.entries(one.outputs ?? {});
  return (
    <li className="lq-task">
      <div className="lq-card-row">
        <StateMark state={one.state} />
        <span className="lq-title">{name}</span>
        <span className="lq-word">{one.state}</span>
        {hasLog(one) && (
          <>
            <IconButton
              icon="log"
              label={showing ? trans.__('Hide log of %1', name) : trans.__('Show log of %1', name)}
              pressed={showing}
              onClick={() => dispatch({ type: 'task-log', task: showing ? null : name })}
            />
            <IconButton
              icon="notebook"
              label={trans.__('Open executed notebook of %1', name)}
              onClick={() => onNotebook(run, name)}
            />
          </>
        )}
      </div>
      <div className="lq-meta lq-meta-flat">
        <span className="lq-code">
          {one.task.block}
          {one.task.version && `@${one.task.version}`}
        </span>
        {lasted !== null && <span>{readableDuration(lasted)}</span>}
        {items && <span>{trans.__('%1 of %2 done', items.done, items.total)}</span>}
        {one.reused_from !== null && <span>{trans.__('result taken from an earlier run')}</span>}
        {one.progress && <span>{trans.__('cell %1 of %2', one.progress.done, one.progress.total)}</span>}
        {one.peak_memory_bytes !== null && <span>{trans.__('peak %1', readableMemory(one.peak_memory_bytes))}</span>}
        {one.attempt > 1 && <span>{trans.__('attempt %1', one.attempt)}</span>}
      </div>
      {active && one.progress && (
        <ProgressBar share={one.progress.done / (one.progress.total || 1)} label={trans.__('Progress of %1', name)} />
      )}
      {one.reason && <p className={`lq-reason lq-reason-${one.state.toLowerCase()}`}>{one.reason}</p>}
      {outputs.length > 0 && (
        <ul className="lq-plain lq-outputs" aria-label={trans.__('Outputs of %1', name)}>
          {outputs.map(([output, value]) => (
            <li key={output} className="lq-code">
              {output} <span className="lq-quiet">= {shortValue(value)}</span>
            </li>
          ))}
        </ul>
      )}
      {showing && <LogView text={log.text} cut={log.cut} live={active} label={trans.__('Log of %1', name)} />}
    </li>
  );
}
