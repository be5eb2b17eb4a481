import { useEffect, useState } from 'react';
import { failureOf, type Failure } from '../../client/failure';
import type { Workflow } from '../../contract';
import { Button, FailureBox, Skeleton, useTrans } from '../elements';
import type { ComposerProps } from './Composer';

interface Props extends Pick<ComposerProps, 'workflow' | 'onText' | 'onRead'> {
  onChange: (workflow: Workflow) => void;
  onClose: () => void;
}

/** The workflow as the YAML file that the command line reads: shown, and changed as text. */
export function TextView({ workflow, onText, onRead, onChange, onClose }: Props) {
  const trans = useTrans();
  /** The file of `of`; null while it is fetched. */
  const [file, setFile] = useState<{ of: Workflow; text: string } | null>(null);
  const [draft, setDraft] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [reading, setReading] = useState(false);

  useEffect(() => {
    let wanted = true;
    onText(workflow).then(
      text => wanted && setFile({ of: workflow, text }),
      (error: unknown) => wanted && setFailure(failureOf(error))
    );
    return () => {
      wanted = false;
    };
  }, [workflow, onText]);

  const text = draft ?? file?.text ?? null;
  const edited = draft !== null && draft !== file?.text;
  const apply = async () => {
    setReading(true);
    try {
      const read = await onRead(draft ?? '', workflow.project);
      const same = read.name === workflow.name && read.project === workflow.project;
      setFailure(null);
      setDraft(null);
      // A file has no revision: it is the same workflow under the same name.
      onChange({ ...read, revision: same ? workflow.revision : 0 });
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setReading(false);
    }
  };
  return (
    <section className="lq-text-view" aria-label={trans.__('Workflow as YAML')}>
      {failure && <FailureBox failure={failure} />}
      {text === null ? (
        !failure && <Skeleton label={trans.__('Writing the file…')} />
      ) : (
        <textarea
          className="lq-input lq-code"
          aria-label={trans.__('YAML')}
          value={text}
          spellCheck={false}
          onChange={event => setDraft(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && edited) {
              event.preventDefault();
              void apply();
            }
          }}
        />
      )}
      <div className="lq-actions">
        <Button kind="primary" onClick={() => void apply()} disabled={!edited || reading}>
          {trans.__('Apply')}
        </Button>
        <Button
          onClick={() => {
            setDraft(null);
            setFailure(null);
          }}
          disabled={!edited}
        >
          {trans.__('Discard changes')}
        </Button>
        <Button onClick={onClose}>{trans.__('Back to the graph')}</Button>
        <p className="lq-hint">{trans.__('The same as a file: lentiq workflow apply %1.yaml', workflow.name)}</p>
      </div>
    </section>
  );
}
