import { useState } from 'react';
import { failureOf, type Failure } from '../../client/failure';
import { startTime } from '../../state/starts';
import { localTime, zonedTime } from '../../state/time';
import { Button, FailureBox, TextField, useTrans } from '../elements';
import type { ComposerProps } from './Composer';

interface Props {
  timezone: string;
  onBackfill: NonNullable<ComposerProps['onBackfill']>;
}

const WEEK_MS = 7 * 86_400_000;

/** Runs for the starts that the saved schedule had in a time gone by: first counted, then asked for. */
export function BackfillForm({ timezone, onBackfill }: Props) {
  const trans = useTrans();
  const [begun] = useState(() => Date.now());
  const [from, setFrom] = useState(() => localTime(new Date(begun - WEEK_MS).toISOString(), timezone));
  const [to, setTo] = useState(() => localTime(new Date(begun).toISOString(), timezone));
  /** The starts that would be added; null while they are not counted. */
  const [found, setFound] = useState<string[] | null>(null);
  const [asked, setAsked] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [first, last] = [zonedTime(from, timezone), zonedTime(to, timezone)];
  const fault =
    first === null || last === null
      ? trans.__('Write a date and a time.')
      : Date.parse(last) < Date.parse(first)
        ? trans.__('It lies before the first.')
        : undefined;

  const changed = (set: (text: string) => void) => (text: string) => {
    set(text);
    setFound(null);
    setAsked(null);
    setFailure(null);
  };
  const ask = async (preview: boolean) => {
    setBusy(true);
    setFailure(null);
    try {
      const starts = await onBackfill(first ?? '', last ?? '', preview);
      setFound(preview ? starts : null);
      setAsked(preview ? null : starts.length);
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };
  const count = found?.length ?? 0;
  return (
    <details className="lq-details">
      <summary>{trans.__('Run for a time gone by')}</summary>
      <p className="lq-hint">{trans.__('A run for each start that the saved schedule had, one after another. What ran already is left out.')}</p>
      <TextField label={trans.__('From')} type="datetime-local" value={from} onChange={changed(setFrom)} />
      <TextField label={trans.__('To')} type="datetime-local" value={to} onChange={changed(setTo)} fault={fault} hint={timezone} />
      {failure && <FailureBox failure={failure} />}
      <div role="status" aria-label={trans.__('Starts found')}>
        {found !== null && (
          <p className={count === 0 ? 'lq-hint' : 'lq-strong'}>
            {count === 0
              ? trans.__('There is no start without a run in that time.')
              : trans._n('1 start, at %2.', '%1 starts, from %2 to %3.', count, startTime(found[0] ?? '', timezone), startTime(found.at(-1) ?? '', timezone))}
          </p>
        )}
        {asked !== null && (
          <p>{trans._n('Asked for %1 run.', 'Asked for %1 runs; they come one after another.', asked)}</p>
        )}
      </div>
      <div className="lq-actions">
        <Button onClick={() => void ask(true)} disabled={busy || fault !== undefined}>
          {trans.__('Count the starts')}
        </Button>
        {count > 0 && (
          <Button kind="primary" icon="play" onClick={() => void ask(false)} disabled={busy}>
            {trans._n('Ask for %1 run', 'Ask for %1 runs', count)}
          </Button>
        )}
      </div>
    </details>
  );
}
