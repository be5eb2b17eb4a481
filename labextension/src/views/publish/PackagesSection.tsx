import { useMemo, useState } from 'react';
import type { Failure } from '../../client/failure';
import type { Inspection } from '../../contract';
import { packageRows, type PackageRow } from '../../state/packages';
import type { PublishEdit, PublishForm } from '../../state/publish';
import { requirementName } from '../../state/requirements';
import { Button, FailureBox, Icon, useTrans } from '../elements';
import { AddField } from './AddField';
import { PackageTable } from './PackageTable';

interface Props {
  inspection: Inspection;
  form: PublishForm;
  resolving: boolean;
  unresolvable: Failure | null;
  onEdit: (edit: PublishEdit) => void;
  onRead: () => void;
}

/** More dependencies than this can be searched. */
const MANY = 15;

/** The pinned packages, with who said that each is needed; they can be left out, pinned, added. */
export function PackagesSection({ inspection, form, resolving, unresolvable, onEdit, onRead }: Props) {
  const trans = useTrans();
  const { lock, unused } = inspection;
  const { direct, along } = useMemo(() => packageRows(inspection, form), [inspection, form]);
  const count = along.length + direct.filter(row => row.state !== 'removed').length;
  const shared = { failure: unresolvable, failing: form.touched, onEdit, onRead };
  const rowless = ![...direct, ...along].some(row => row.key === form.touched);
  const idle = unused.filter(line => !form.add.includes(line));
  return (
    <section className="lq-section" aria-busy={resolving}>
      <h3>
        {trans.__('Packages')} <span className="lq-count">{count}</span>
        <span className="lq-aside" role="status">
          {resolving ? (
            <>
              <Icon name="refresh" className="lq-turning" /> {trans.__('Resolving…')}
            </>
          ) : unresolvable ? (
            <span className="lq-fault">{trans.__('not resolved')}</span>
          ) : lock ? (
            trans.__('resolved for Python %1', lock.python)
          ) : (
            ''
          )}
        </span>
      </h3>
      {unresolvable && rowless && <FailureBox failure={unresolvable} onRetry={onRead} />}
      {direct.length > 0 ? (
        <PackageTable label={trans.__('Packages')} rows={direct} {...shared} />
      ) : (
        <p className="lq-hint">{trans.__('It needs no package.')}</p>
      )}
      <AddField
        label={trans.__('Add requirement')}
        placeholder={trans.__('Add requirement, as in openpyxl>=3.1')}
        action={trans.__('Add')}
        check={line => faultOf(line, form)}
        onAdd={line => onEdit({ type: 'add-requirement', line })}
      />
      {idle.map(line => (
        <div key={line} className="lq-added">
          <span>
            <span className="lq-code">{line}</span>{' '}
            <span className="lq-hint">{trans.__('has an install line, but nothing uses it: left out')}</span>
          </span>
          <Button icon="add" onClick={() => onEdit({ type: 'add-requirement', line })} title={trans.__('Add %1', line)}>
            {trans.__('Add')}
          </Button>
        </div>
      ))}
      {along.length > 0 && <Along rows={along} shared={shared} />}
    </section>
  );
}

function faultOf(line: string, form: PublishForm): string | null {
  const name = requirementName(line);
  if (name === null) {
    return 'Write one requirement, as in openpyxl, openpyxl>=3.1 or package @ https://….';
  }
  return form.add.some(one => requirementName(one) === name) ? 'It is added already.' : null;
}

interface AlongProps {
  rows: PackageRow[];
  shared: Pick<Parameters<typeof PackageTable>[0], 'failure' | 'failing' | 'onEdit' | 'onRead'>;
}

/** The dependencies, folded; drawn only when they are looked at. */
function Along({ rows, shared }: AlongProps) {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState('');
  const words = search.trim().toLowerCase();
  const found = words === '' ? rows : rows.filter(row => row.name.toLowerCase().includes(words));
  return (
    <details className="lq-details" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans._n('%1 package they need', '%1 packages they need', rows.length)}</summary>
      {open && (
        <>
          {rows.length > MANY && (
            <input
              className="lq-input lq-filter"
              type="search"
              aria-label={trans.__('Search dependencies')}
              placeholder={trans.__('Search')}
              value={search}
              onChange={event => setSearch(event.target.value)}
            />
          )}
          <PackageTable label={trans.__('Dependencies')} rows={found} {...shared} />
          {found.length === 0 && <p className="lq-nothing">{trans.__('None of that name.')}</p>}
        </>
      )}
    </details>
  );
}
