import { useState } from 'react';
import type { Inspection, Package } from '../../contract';
import { splitPackages, type PublishEdit, type PublishForm } from '../../state/publish';
import { Button, IconButton, useTrans } from '../elements';

interface Props {
  lock: Inspection['lock'];
  form: PublishForm;
  onEdit: (edit: PublishEdit) => void;
}

/** The pinned packages, with who said that each is needed. */
export function PackagesSection({ lock, form, onEdit }: Props) {
  const trans = useTrans();
  const { direct, along } = splitPackages(lock?.packages ?? []);
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Packages')} <span className="lq-count">{direct.length + along.length}</span>
        {lock && <span className="lq-aside">{`Python ${lock.python}`}</span>}
      </h3>
      {direct.length > 0 && <PackageTable packages={direct} form={form} onEdit={onEdit} />}
      {form.add.map(line => (
        <div key={line} className="lq-added">
          <span className="lq-code">{line}</span>
          <span className="lq-hint">{trans.__('added by you')}</span>
          <IconButton
            icon="close"
            label={trans.__('Drop %1', line)}
            onClick={() => onEdit({ type: 'drop-requirement', line })}
          />
        </div>
      ))}
      <AddRequirement onAdd={line => onEdit({ type: 'add-requirement', line })} />
      {along.length > 0 && (
        <details className="lq-details">
          <summary>{trans._n('%1 package they need', '%1 packages they need', along.length)}</summary>
          <PackageTable packages={along} form={form} onEdit={onEdit} />
        </details>
      )}
    </section>
  );
}

function PackageTable({ packages, form, onEdit }: { packages: Package[] } & Pick<Props, 'form' | 'onEdit'>) {
  const trans = useTrans();
  return (
    <table className="lq-table" aria-label={trans.__('Packages')}>
      <tbody>
        {packages.map(one => {
          const removed = form.remove.includes(one.name);
          return (
            <tr key={one.name} className={removed ? 'lq-removed' : undefined}>
              <th scope="row" className="lq-code">
                {one.name}
              </th>
              <td className="lq-code">{one.url ?? one.version}</td>
              <td>
                <span className="lq-chip">{one.witness}</span> <span className="lq-hint">{one.why}</span>
              </td>
              <td className="lq-narrow">
                <IconButton
                  icon={removed ? 'add' : 'close'}
                  label={removed ? trans.__('Keep %1', one.name) : trans.__('Leave out %1', one.name)}
                  onClick={() => onEdit({ type: 'package', name: one.name, keep: removed })}
                />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function AddRequirement({ onAdd }: { onAdd: (line: string) => void }) {
  const trans = useTrans();
  const [line, setLine] = useState('');
  const add = () => {
    onAdd(line);
    setLine('');
  };
  return (
    <div className="lq-add">
      <input
        className="lq-input lq-code"
        aria-label={trans.__('Add requirement')}
        placeholder={trans.__('Add requirement, as in openpyxl>=3.1')}
        value={line}
        spellCheck={false}
        onChange={event => setLine(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            event.preventDefault();
            add();
          }
        }}
      />
      <Button icon="add" onClick={add} disabled={line.trim() === ''}>
        {trans.__('Add')}
      </Button>
    </div>
  );
}
