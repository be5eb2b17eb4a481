import { useId, useMemo, useState } from 'react';
import type { Misfire, Schedule } from '../../contract';
import { faultAt, type FoundFault } from '../../state/faults';
import { isTimezone, localTime, timezones, zonedTime } from '../../state/time';
import { Field, TextField, useNow, useTrans, type Trans } from '../elements';

type Repetition = 'none' | 'once' | 'every' | 'cron';

interface Props {
  schedule: Schedule | null;
  /** Of the workflow itself. */
  faults: readonly FoundFault[];
  onChange: (schedule: Schedule | null) => void;
}

/** A start with its time zone, and a repetition; or none: started by hand. */
export function ScheduleEditor({ schedule, faults, onChange }: Props) {
  const trans = useTrans();
  const repetition: Repetition = !schedule ? 'none' : schedule.cron !== null ? 'cron' : schedule.every !== null ? 'every' : 'once';
  const repeat = (next: Repetition) => {
    if (next === 'none') {
      onChange(null);
      return;
    }
    const base = schedule ?? newSchedule();
    onChange({ ...base, every: next === 'every' ? '1d' : null, cron: next === 'cron' ? '0 2 * * *' : null });
  };
  return (
    <div role="group" aria-label={trans.__('Schedule')}>
      <Field label={trans.__('Schedule')}>
        {ids => (
          <select
            {...ids}
            className="lq-input"
            value={repetition}
            onChange={event => repeat(event.target.value as Repetition)}
          >
            <option value="none">{trans.__('None: started by hand')}</option>
            <option value="once">{trans.__('Once')}</option>
            <option value="every">{trans.__('Every …')}</option>
            <option value="cron">{trans.__('Cron')}</option>
          </select>
        )}
      </Field>
      {schedule && (
        <>
          <StartFields schedule={schedule} fault={faultAt(faults, 'schedule.timezone')} onChange={onChange} />
          {schedule.every !== null && (
            <EveryField every={schedule.every} onChange={every => onChange({ ...schedule, every })} />
          )}
          {schedule.cron !== null && (
            <div data-field="schedule.cron">
              <TextField
                label={trans.__('Cron')}
                value={schedule.cron}
                hint={trans.__('minute hour day month weekday')}
                fault={faultAt(faults, 'schedule.cron')}
                onChange={cron => onChange({ ...schedule, cron })}
              />
            </div>
          )}
          {repetition !== 'once' && (
            <Field label={trans.__('Missed starts')} hint={misfireWords(schedule.misfire, trans)}>
              {ids => (
                <select
                  {...ids}
                  className="lq-input"
                  value={schedule.misfire}
                  onChange={event => onChange({ ...schedule, misfire: event.target.value as Misfire })}
                >
                  <option value="once">{trans.__('run once')}</option>
                  <option value="all">{trans.__('run all')}</option>
                  <option value="skip">{trans.__('skip')}</option>
                </select>
              )}
            </Field>
          )}
        </>
      )}
    </div>
  );
}

/** What happens to starts that were missed while no scheduler ran. */
function misfireWords(misfire: Misfire, trans: Trans): string {
  switch (misfire) {
    case 'once':
      return trans.__('However many starts were missed while no scheduler ran, one run makes up for them.');
    case 'all':
      return trans.__('Each start that was missed while no scheduler ran is made up for, one run after another.');
    case 'skip':
      return trans.__('Starts that were missed while no scheduler ran are left out; the next one counts.');
  }
}

/** Begins at the next full hour, in the browser's zone. */
function newSchedule(): Schedule {
  const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const hour = 3_600_000;
  const next = new Date((Math.floor(Date.now() / hour) + 1) * hour).toISOString();
  return {
    start: zonedTime(localTime(next, timezone), timezone) ?? next,
    timezone,
    every: null,
    cron: null,
    misfire: 'once'
  };
}

interface StartProps {
  schedule: Schedule;
  /** What the service says of the time zone. */
  fault: string | undefined;
  onChange: (schedule: Schedule) => void;
}

function StartFields({ schedule, fault, onChange }: StartProps) {
  const trans = useTrans();
  const list = useId();
  const zones = useMemo(() => timezones(), []);
  const [zone, setZone] = useState<string | null>(null);
  const now = useNow(true, 30_000);
  const local = localTime(schedule.start, schedule.timezone);
  // While an unknown zone is being typed, the schedule keeps the last known one.
  const shownZone = zone ?? schedule.timezone;
  const moveTo = (timezone: string) => {
    if (isTimezone(timezone)) {
      setZone(null);
      onChange({ ...schedule, timezone, start: zonedTime(local, timezone) ?? schedule.start });
    } else {
      setZone(timezone);
    }
  };
  return (
    <>
      <TextField
        label={trans.__('Start')}
        type="datetime-local"
        value={local}
        onChange={text => {
          const start = zonedTime(text, schedule.timezone);
          if (start) {
            onChange({ ...schedule, start });
          }
        }}
        hint={Date.parse(schedule.start) < now ? trans.__('in the past: starts at once when saved') : undefined}
      />
      <div data-field="schedule.timezone">
        <TextField
          label={trans.__('Time zone')}
          value={shownZone}
          list={list}
          onChange={moveTo}
          fault={zone === null ? fault : trans.__('Not a time zone, as Europe/Bucharest is.')}
        />
      </div>
      <datalist id={list}>
        {zones.map(one => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </>
  );
}

function EveryField({ every, onChange }: { every: string; onChange: (every: string) => void }) {
  const trans = useTrans();
  const [, count = '1', unit = 'd'] = /^(\d*)([mhdwM])$/.exec(every) ?? [];
  return (
    <div className="lq-pair">
      <Field label={trans.__('Every')}>
        {ids => (
          <input
            {...ids}
            className="lq-input"
            type="number"
            min={1}
            value={count}
            onChange={event => onChange(`${Math.max(1, Math.trunc(Number(event.target.value) || 1))}${unit}`)}
          />
        )}
      </Field>
      <Field label={trans.__('Unit')}>
        {ids => (
          <select
            {...ids}
            className="lq-input"
            value={unit}
            onChange={event => onChange(`${count || '1'}${event.target.value}`)}
          >
            <option value="m">{trans.__('minutes')}</option>
            <option value="h">{trans.__('hours')}</option>
            <option value="d">{trans.__('days')}</option>
            <option value="w">{trans.__('weeks')}</option>
            <option value="M">{trans.__('months')}</option>
          </select>
        )}
      </Field>
    </div>
  );
}
