import type { ReactNode } from 'react';
import { readableDuration } from '../../state/time';
import { Button } from './Button';
import { useNow } from './clock';
import { Mark } from './icons';
import { useTrans } from './trans';

/** Since when the server cannot be reached (ms since the epoch), and whether it is being asked. */
export interface Lost {
  since: number;
  trying: boolean;
}

interface Props {
  /** null while all is well. */
  lost: Lost | null;
  onRetry: () => void;
  children: ReactNode;
}

/** A view, and above it a word when the connection is lost: what is shown is then as it was. */
export function Connected({ lost, onRetry, children }: Props) {
  return (
    <div className="lq-connected">
      {lost && <Banner lost={lost} onRetry={onRetry} />}
      {children}
    </div>
  );
}

function Banner({ lost, onRetry }: { lost: Lost; onRetry: () => void }) {
  const trans = useTrans();
  const now = useNow(true);
  const ago = now - lost.since;
  return (
    <div className="lq-lost">
      <Mark mark="LOST" tone="wait" />
      <span role="status">{trans.__('Connection lost – retrying')}</span>
      <span className="lq-quiet" aria-hidden="true">
        {ago >= 1000 && readableDuration(Math.floor(ago / 1000) * 1000)}
      </span>
      <Button icon="refresh" onClick={onRetry} disabled={lost.trying}>
        {trans.__('Retry now')}
      </Button>
    </div>
  );
}
