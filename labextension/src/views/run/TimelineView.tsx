import { Fragment } from 'react';
import type { Run, TaskState } from '../../contract';
import { isActive, isGroup } from '../../state/states';
import { readableDuration } from '../../state/time';
import { marksOf, timelineOf, type Row, type Span, type Timeline } from '../../state/timeline';
import { Empty, StateMark, useNow, useTrans, type Trans } from '../elements';

interface Props {
  run: Run;
  /** Address of the chosen task run. */
  chosen: string | null;
  onChoose: (task: string) => void;
}

const MARKS = 6;

/** When each task run waited for room, was being started, and ran. */
export function TimelineView({ run, chosen, onChoose }: Props) {
  const trans = useTrans();
  const now = useNow(isActive(run.state));
  const timeline = timelineOf(run, now);
  if (timeline.rows.length === 0) {
    return (
      <Empty icon="log" title={trans.__('No task was started')}>
        {run.reason && <p>{run.reason}</p>}
      </Empty>
    );
  }
  const marks = marksOf(timeline.from, timeline.to, MARKS);
  return (
    <div className="lq-timeline">
      <div className="lq-timeline-scale" aria-hidden="true">
        {marks.map(mark => (
          <span key={mark} style={{ left: `${place(timeline, timeline.from + mark)}%` }}>
            {mark === 0 ? '0' : readableDuration(mark)}
          </span>
        ))}
      </div>
      <ul className="lq-timeline-rows" aria-label={trans.__('Timeline of %1', run.workflow.name)}>
        {timeline.rows.map(row => (
          <TimelineRow key={row.address} row={row} timeline={timeline} chosen={row.address === chosen} onChoose={onChoose} />
        ))}
      </ul>
      <p className="lq-timeline-key lq-hint">
        <span className="lq-span-waiting" aria-hidden="true" /> {trans.__('waiting for room')}
        <span className="lq-span-starting" aria-hidden="true" /> {trans.__('starting')}
        {statesThatRan(timeline).map(state => (
          <Fragment key={state}>
            <span className={`lq-span-running lq-span-${state.toLowerCase()}`} aria-hidden="true" /> {state}
          </Fragment>
        ))}
      </p>
    </div>
  );
}

interface RowProps {
  row: Row;
  timeline: Timeline;
  chosen: boolean;
  onChoose: (task: string) => void;
}

function TimelineRow({ row, timeline, chosen, onChoose }: RowProps) {
  const trans = useTrans();
  const { one, address, spans } = row;
  const words = spans.map(span => spanWords(trans, span)).join(', ');
  return (
    <li className={isGroup(one) ? 'lq-timeline-group' : ''}>
      <button
        type="button"
        className="lq-timeline-row"
        aria-pressed={chosen}
        aria-label={[address, one.state, words, one.reason].filter(part => part !== '').join(', ')}
        title={[words, one.reason].filter(part => part !== '').join('. ')}
        onClick={() => onChoose(address)}
      >
        <span className="lq-timeline-name">
          <StateMark state={one.state} />
          <span className="lq-title">{address}</span>
        </span>
        <span className="lq-timeline-bars">
          {spans.map(span => (
            <span
              key={span.kind}
              className={`lq-span lq-span-${span.kind} lq-span-${one.state.toLowerCase()}`}
              style={{ left: `${place(timeline, span.from)}%`, width: `${place(timeline, span.to) - place(timeline, span.from)}%` }}
            />
          ))}
        </span>
      </button>
      {one.state === 'PENDING' && one.reason && <p className="lq-reason lq-reason-pending">{one.reason}</p>}
    </li>
  );
}

/** A task run's time is drawn in the colour of what became of it. */
function statesThatRan({ rows }: Timeline): TaskState[] {
  const ran = rows.filter(row => row.spans.some(span => span.kind === 'running'));
  return [...new Set(ran.map(row => row.one.state))];
}

/** Where an instant is drawn, in percent of the width. */
function place({ from, to }: Timeline, instant: number): number {
  return Math.min(100, Math.max(0, ((instant - from) / (to - from)) * 100));
}

function spanWords(trans: Trans, { kind, from, to }: Span): string {
  const lasted = readableDuration(to - from);
  switch (kind) {
    case 'waiting':
      return trans.__('waited for room %1', lasted);
    case 'starting':
      return trans.__('was starting %1', lasted);
    case 'running':
      return trans.__('ran %1', lasted);
  }
}
