import type { FileFact } from '../../contract';
import { filesSize, type PublishEdit } from '../../state/publish';
import { readableBytes } from '../../state/resources';
import { useTrans } from '../elements';

interface Props {
  files: FileFact[];
  excluded: string[];
  onEdit: (edit: PublishEdit) => void;
}

/** Modules and data files that go in beside the notebook, with their sizes. */
export function FilesSection({ files, excluded, onEdit }: Props) {
  const trans = useTrans();
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Files')} <span className="lq-count">{files.length - excluded.length}</span>
        {files.length > 0 && <span className="lq-aside">{readableBytes(filesSize(files, excluded))}</span>}
      </h3>
      {files.length === 0 && <p className="lq-hint">{trans.__('Only the notebook goes in.')}</p>}
      <ul className="lq-files" aria-label={trans.__('Files')}>
        {files.map(file => {
          const kept = !excluded.includes(file.path);
          return (
            <li key={file.path}>
              <label className="lq-check">
                <input
                  type="checkbox"
                  checked={kept}
                  onChange={event => onEdit({ type: 'file', name: file.path, keep: event.target.checked })}
                />
                <span className={`lq-code lq-grow${kept ? '' : ' lq-removed'}`}>{file.path}</span>
                <span className="lq-hint">{file.kind}</span>
                <span className="lq-size">{readableBytes(file.size)}</span>
              </label>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
