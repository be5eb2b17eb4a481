import type { TaskRun } from '../../contract';
import { elapsed, hasLog, isTaskActive } from '../../state/states';
import { readableDuration } from '../../state/time';
import { shortValue } from '../../state/values';
import { Button, LogView, StateMark, useNow, useTrans } from '../elements';
import type { TaskLog } from './Composer';

interface Props {
  one: TaskRun;
  log: TaskLog | null;
  onLog: (task: string | null) => void;
}

/** How the chosen task fares in the run that is followed. */
export function TaskRunSection({ one, log, onLog }: Props) {
  const trans = useTrans();
  const name = one.task.name;
  const active = isTaskActive(one.state);
  const now = useNow(active);
  const lasted = elapsed(one.started_at, one.ended_at, now);
  const outputs = Object.entries(one.outputs ?? {});
  return (
    <div className="lq-taskrun">
      <p className="lq-state">
        <StateMark state={one.state} />
        <span className="lq-word">{one.state}</span>
        {one.progress && <span className="lq-quiet">{trans.__('cell %1 of %2', one.progress.done, one.progress.total)}</span>}
        {lasted !== null && <span className="lq-size">{readableDuration(lasted)}</span>}
      </p>
      {one.reason && <p className={`lq-reason lq-reason-${one.state.toLowerCase()}`}>{one.reason}</p>}
      {outputs.length > 0 && (
        <ul className="lq-plain" aria-label={trans.__('Outputs of %1', name)}>
          {outputs.map(([output, value]) => (
            <li key={output} className="lq-code">
              {output} <span className="lq-quiet">= {shortValue(value)}</span>
            </li>
          ))}
        </ul>
      )}
      {hasLog(one) && (
        <Button icon="log" onClick={() => onLog(log ? null : name)}>
          {log ? trans.__('Hide log') : trans.__('Show log')}
        </Button>
      )}
      {log && <LogView text={log.text} cut={log.cut} live={active} label={trans.__('Log of %1', name)} />}
    </div>
  );
}
