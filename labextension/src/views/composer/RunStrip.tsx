import type { Run } from '../../contract';
import { elapsed, isActive, labelOf, runProgress } from '../../state/states';
import { readableDuration } from '../../state/time';
import { Button, ProgressBar, StateMark, useNow, useTrans } from '../elements';

/** The run that is followed: its state, how far it is, how long it takes. */
export function RunStrip({ run, onCancel }: { run: Run; onCancel: () => void }) {
  const trans = useTrans();
  const active = isActive(run.state);
  const now = useNow(active);
  const lasted = elapsed(run.started_at ?? run.created_at, run.ended_at, now);
  const waiting = run.tasks.find(task => task.state === 'PENDING' && task.reason !== '');
  const reason = run.reason || (waiting ? `${labelOf(waiting)}: ${waiting.reason}` : '');
  return (
    <div className={`lq-strip lq-strip-${run.state.toLowerCase()}`} role="status" aria-label={trans.__('Run')}>
      <StateMark state={run.state} />
      <span className="lq-word">{run.state}</span>
      <span className="lq-quiet lq-code">{run.id}</span>
      <span className="lq-grow lq-strip-reason" title={reason}>
        {reason}
      </span>
      {active && <ProgressBar share={runProgress(run)} label={trans.__('Progress of the run')} />}
      {lasted !== null && <span className="lq-size">{readableDuration(lasted)}</span>}
      {active && (
        <Button icon="stop" onClick={onCancel} disabled={run.cancel_requested}>
          {run.cancel_requested ? trans.__('Cancelling…') : trans.__('Cancel')}
        </Button>
      )}
    </div>
  );
}
