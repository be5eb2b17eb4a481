import { useId } from 'react';
import type { PublishEdit, PublishForm } from '../../state/publish';
import { Field, useTrans } from '../elements';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];

/** What few need: another platform, instructions of one's own. Both are said where they are in use. */
export function AdvancedSection({ form, onEdit }: { form: PublishForm; onEdit: (edit: PublishEdit) => void }) {
  const trans = useTrans();
  const list = useId();
  const used = form.platform.trim() !== '' || form.dockerfileLines.trim() !== '';
  return (
    <details className="lq-details">
      <summary>
        {trans.__('Advanced')} {used && <span className="lq-count">{trans.__('in use')}</span>}
      </summary>
      <Field label={trans.__('Platform')} hint={trans.__('Empty: that of the server.')}>
        {ids => (
          <>
            <input
              {...ids}
              className="lq-input lq-code"
              list={list}
              value={form.platform}
              placeholder="linux/arm64"
              spellCheck={false}
              autoComplete="off"
              onChange={event => onEdit({ type: 'platform', text: event.target.value })}
            />
            <datalist id={list}>
              {PLATFORMS.map(platform => (
                <option key={platform} value={platform} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Field
        label={trans.__('Dockerfile lines')}
        hint={trans.__('Instructions added to the generated Dockerfile, one a line. They need Docker to build.')}
      >
        {ids => (
          <textarea
            {...ids}
            className="lq-input lq-code"
            rows={2}
            value={form.dockerfileLines}
            placeholder="RUN apt-get update && apt-get install -y libgomp1"
            spellCheck={false}
            onChange={event => onEdit({ type: 'dockerfileLines', text: event.target.value })}
          />
        )}
      </Field>
    </details>
  );
}
