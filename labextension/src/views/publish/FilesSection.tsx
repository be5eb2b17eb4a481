import { memo, useState } from 'react';
import type { FileFact } from '../../contract';
import { fileKept, filesSize, type PublishEdit, type PublishForm } from '../../state/publish';
import { readableBytes } from '../../state/resources';
import { Button, useTrans } from '../elements';

interface Props {
  files: FileFact[];
  form: PublishForm;
  onEdit: (edit: PublishEdit) => void;
}

/** Files shown before the rest is asked for. */
const SHOWN = 40;

/** Modules and data files that go in beside the notebook, with their sizes; large ones wait for a decision. */
export function FilesSection({ files, form, onEdit }: Props) {
  const trans = useTrans();
  const [all, setAll] = useState(false);
  // Undecided ones first, so that none hides below.
  const sorted = [...files].sort((one, other) => Number(other.large) - Number(one.large));
  const shown = all ? sorted : sorted.slice(0, SHOWN);
  const kept = files.filter(file => fileKept(form, file) === true).length;
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Files')} <span className="lq-count">{kept}</span>
        {files.length > 0 && (
          <span className="lq-aside">{trans.__('%1 in all', readableBytes(filesSize(form, files)))}</span>
        )}
      </h3>
      {files.length === 0 && <p className="lq-hint">{trans.__('Only the notebook goes in.')}</p>}
      {files.length > 0 && (
        <table className="lq-table lq-files" aria-label={trans.__('Files')}>
          <thead>
            <tr>
              <th scope="col" className="lq-narrow lq-left">
                {trans.__('Goes in')}
              </th>
              <th scope="col">{trans.__('File')}</th>
              <th scope="col">{trans.__('Kind')}</th>
              <th scope="col" className="lq-narrow">
                {trans.__('Size')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(file => (
              <Row key={file.path} file={file} kept={fileKept(form, file)} onEdit={onEdit} />
            ))}
          </tbody>
        </table>
      )}
      {shown.length < files.length && (
        <Button kind="link" onClick={() => setAll(true)}>
          {trans.__('Show all %1 files', files.length)}
        </Button>
      )}
    </section>
  );
}

const Row = memo(function Row({ file, kept, onEdit }: { file: FileFact; kept: boolean | null; onEdit: Props['onEdit'] }) {
  const trans = useTrans();
  const { path, large } = file;
  const choose = (keep: boolean) => onEdit({ type: 'file', path, keep });
  return (
    <tr className={kept === null ? 'lq-undecided' : undefined}>
      <td className="lq-narrow lq-left">
        {large ? (
          <span className="lq-choice" role="group" aria-label={trans.__('Whether %1 goes in', path)}>
            <button type="button" className="lq-button" aria-pressed={kept === true} onClick={() => choose(true)}>
              {trans.__('Put in')}
            </button>
            <button type="button" className="lq-button" aria-pressed={kept === false} onClick={() => choose(false)}>
              {trans.__('Leave out')}
            </button>
          </span>
        ) : (
          <input
            type="checkbox"
            aria-label={trans.__('%1 goes in', path)}
            checked={kept === true}
            onChange={event => choose(event.target.checked)}
          />
        )}
      </td>
      <th scope="row">
        <span className={`lq-code${kept === false ? ' lq-removed' : ''}`}>{path}</span>
        {kept === null && <span className="lq-fault">{trans.__('Large: say whether it goes in.')}</span>}
      </th>
      <td className="lq-hint">{file.kind}</td>
      <td className="lq-narrow lq-size">{readableBytes(file.size)}</td>
    </tr>
  );
});
