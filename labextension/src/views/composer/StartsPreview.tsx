import type { Check, Schedule } from '../../contract';
import { startsOf, startTime, type Start } from '../../state/starts';
import { Icon, useTrans } from '../elements';

interface Props {
  schedule: Schedule;
  check: Check;
  paused: boolean;
  /** Whether the workflow can be read at all: else nobody knows when it starts. */
  faulty: boolean;
}

/** The next starts in the schedule's time zone, with marks where the clocks change. */
export function StartsPreview({ schedule, check, paused, faulty }: Props) {
  const trans = useTrans();
  const starts = startsOf(check, schedule.timezone);
  return (
    <div className="lq-field">
      <span className="lq-label">{trans.__('Next starts in %1', schedule.timezone)}</span>
      {paused && <p className="lq-warning">{trans.__('It is paused: none of them happens until it is resumed.')}</p>}
      {starts.length === 0 ? (
        <p className="lq-hint">
          {faulty ? trans.__('They are known once what is wrong with the schedule is corrected, and it has a task.') : trans.__('None: all lie in the past.')}
        </p>
      ) : (
        <ol className="lq-starts" aria-label={trans.__('Next starts')}>
          {starts.map(start => (
            <StartItem key={start.at} start={start} timezone={schedule.timezone} />
          ))}
        </ol>
      )}
    </div>
  );
}

function StartItem({ start, timezone }: { start: Start; timezone: string }) {
  const trans = useTrans();
  const { at, offset, shift, note } = start;
  const minutes = Math.abs(shift);
  const by = minutes % 60 === 0 ? trans.__('%1 h', minutes / 60) : trans.__('%1 min', minutes);
  return (
    <li>
      {shift !== 0 && (
        <p className="lq-clock">
          <Icon name="warning" />
          {shift > 0 ? trans.__('The clocks go forward by %1.', by) : trans.__('The clocks go back by %1.', by)}
        </p>
      )}
      <span>{startTime(at, timezone)}</span> <span className="lq-quiet lq-nowrap">{offset}</span>
      {note && <p className="lq-clock">{note}</p>}
    </li>
  );
}
