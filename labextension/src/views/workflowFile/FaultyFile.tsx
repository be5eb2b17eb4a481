import { useRef, useState } from 'react';
import { failureOf, type Failure } from '../../client/failure';
import { lineOfFault, startOfLine } from '../../state/lines';
import { Button, Mark, useTrans } from '../elements';

interface Props {
  /** What the file says. */
  text: string;
  failure: Failure;
  /** Takes a text as the file's; rejects with every fault. */
  onMend: (text: string) => Promise<void>;
}

/** A workflow file that cannot be read: its text, and its faults, each leading to its line. */
export function FaultyFile({ text, failure, onMend }: Props) {
  const trans = useTrans();
  const field = useRef<HTMLTextAreaElement>(null);
  const [draft, setDraft] = useState(text);
  const [found, setFound] = useState(failure);
  const [reading, setReading] = useState(false);
  const mend = async () => {
    setReading(true);
    try {
      await onMend(draft);
    } catch (error) {
      setFound(failureOf(error));
    } finally {
      setReading(false);
    }
  };
  const show = (line: number) => {
    const area = field.current;
    if (area) {
      const start = startOfLine(draft, line);
      const end = draft.indexOf('\n', start);
      area.focus();
      area.setSelectionRange(start, end < 0 ? draft.length : end);
      const height = area.scrollHeight / Math.max(1, draft.split('\n').length);
      area.scrollTop = Math.max(0, (line - 4) * height);
    }
  };
  return (
    <section className="lq-root lq-composer" aria-label={trans.__('Workflow file with faults')}>
      <div className="lq-text-view">
        <div className="lq-notice lq-notice-error" role="alert">
          <Mark mark="FAILED" tone="bad" />
          <div className="lq-notice-body">
            <p className="lq-notice-message">
              {trans._n('The file has %1 fault. Correct it here to see its graph.', 'The file has %1 faults. Correct them here to see its graph.', Math.max(1, found.faults.length))}
            </p>
            <ul className="lq-faults">
              {(found.faults.length > 0 ? found.faults : [found.message]).map(fault => {
                const line = lineOfFault(fault);
                return (
                  <li key={fault}>
                    {line === null ? (
                      fault
                    ) : (
                      <Button kind="link" onClick={() => show(line)}>
                        {fault}
                      </Button>
                    )}
                  </li>
                );
              })}
            </ul>
          </div>
        </div>
        <textarea
          ref={field}
          className="lq-input lq-code"
          aria-label={trans.__('YAML')}
          value={draft}
          spellCheck={false}
          onChange={event => setDraft(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              void mend();
            }
          }}
        />
        <div className="lq-actions">
          <Button kind="primary" onClick={() => void mend()} disabled={reading}>
            {trans.__('Check and show the graph')}
          </Button>
          <Button onClick={() => setDraft(text)} disabled={draft === text}>
            {trans.__('Discard changes')}
          </Button>
        </div>
      </div>
    </section>
  );
}
