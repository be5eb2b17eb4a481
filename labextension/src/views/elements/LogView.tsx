import { useLayoutEffect, useRef, useState } from 'react';
import { Button } from './Button';
import { useTrans } from './trans';

interface LogViewProps {
  /** Plain text; it is shown as text, whatever is in it. */
  text: string;
  label: string;
  /** Whether more may come. */
  live: boolean;
  cut?: boolean;
}

/** A log that keeps its end in view until the user scrolls up. */
export function LogView({ text, label, live, cut = false }: LogViewProps) {
  const trans = useTrans();
  const box = useRef<HTMLPreElement>(null);
  const [following, setFollowing] = useState(true);

  useLayoutEffect(() => {
    if (following && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [text, following]);

  const scrolled = () => {
    const element = box.current;
    if (element) {
      setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < 24);
    }
  };
  const nothing = live ? trans.__('Nothing printed yet.') : trans.__('It printed nothing.');
  return (
    <div className="lq-log-box">
      {cut && <p className="lq-hint">{trans.__('Earlier lines are left out.')}</p>}
      <pre className="lq-log" role="log" aria-live="off" aria-label={label} tabIndex={0} ref={box} onScroll={scrolled}>
        {text || <span className="lq-quiet">{nothing}</span>}
      </pre>
      {!following && (
        <div className="lq-log-follow">
          <Button icon="arrow" onClick={() => setFollowing(true)}>
            {trans.__('Follow')}
          </Button>
        </div>
      )}
    </div>
  );
}
