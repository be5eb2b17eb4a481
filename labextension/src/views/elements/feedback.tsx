import type { ReactNode } from 'react';
import { NOT_ENABLED, OFFLINE, type Failure } from '../../client/failure';
import type { Remote } from '../../state/remote';
import { Button } from './Button';
import { Icon, Mark, type IconName } from './icons';
import { useTrans } from './trans';

/** What did not work, and what to do next. */
export function FailureBox({ failure, onRetry }: { failure: Failure; onRetry?: () => void }) {
  const trans = useTrans();
  return (
    <div className="lq-notice lq-notice-error" role="alert">
      <Mark mark="FAILED" tone="bad" />
      <div className="lq-notice-body">
        <p className="lq-notice-message">{failure.message}</p>
        {failure.kind === NOT_ENABLED && <HowToEnable />}
        {failure.hint && <p className="lq-notice-hint">{failure.hint}</p>}
        {failure.faults.length > 0 && (
          <ul className="lq-faults">
            {failure.faults.map(fault => (
              <li key={fault}>{fault}</li>
            ))}
          </ul>
        )}
        {failure.log && <pre className="lq-log lq-log-short">{failure.log}</pre>}
        {onRetry && (
          <Button icon="refresh" onClick={onRetry}>
            {trans.__('Try again')}
          </Button>
        )}
      </div>
    </div>
  );
}

const ENABLE = 'jupyter server extension enable lentiq_jupyter';
const INSTALL = 'pip install lentiq-jupyter';

/** Installed in another environment, or switched off: a command for each. */
function HowToEnable() {
  const trans = useTrans();
  return (
    <ul className="lq-steps-to-do">
      <li>
        {trans.__('Where Jupyter runs, switch it on:')} <code>{ENABLE}</code>
      </li>
      <li>
        {trans.__('If it is not installed there:')} <code>{INSTALL}</code>
      </li>
    </ul>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="lq-empty">
      <Icon name={icon} className="lq-empty-icon" />
      <p className="lq-empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Grey bars where content will be; `label` says what is being waited for. */
export function Skeleton({ label, rows = 4 }: { label: string; rows?: number }) {
  return (
    <div className="lq-skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="lq-skeleton-row" aria-hidden="true">
          <span style={{ width: `${62 - ((row * 17) % 30)}%` }} />
          <span style={{ width: `${38 - ((row * 11) % 20)}%` }} />
        </div>
      ))}
    </div>
  );
}

interface LoadedProps<T> {
  of: Remote<T>;
  label: string;
  onRetry: () => void;
  children: (value: T) => ReactNode;
}

/** The three faces of something fetched; with an old value at hand, a failure is shown above it. */
export function Loaded<T>({ of, label, onRetry, children }: LoadedProps<T>) {
  // A lost connection is told once, above everything; what there is stays to be seen.
  const failure = of.failure?.kind === OFFLINE ? null : of.failure;
  if (of.value === null) {
    return failure ? <FailureBox failure={failure} onRetry={onRetry} /> : <Skeleton label={label} />;
  }
  return (
    <>
      {failure && <FailureBox failure={failure} onRetry={onRetry} />}
      {children(of.value)}
    </>
  );
}

/** How far something is: `share` between 0 and 1, null when unknown. */
export function ProgressBar({ share, label }: { share: number | null; label: string }) {
  const percent = share === null ? undefined : Math.round(share * 100);
  return (
    <div
      className={`lq-bar${share === null ? ' lq-bar-unknown' : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <span style={{ width: percent === undefined ? undefined : `${percent}%` }} />
    </div>
  );
}
