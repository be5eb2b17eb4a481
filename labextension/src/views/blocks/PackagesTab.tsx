import { useState } from 'react';
import type { PinnedPackage } from '../../contract';
import { WitnessChip } from '../publish/Chip';
import { useTrans } from '../elements';

/** The pinned packages, with a filter. */
export function PackagesTab({ packages, python }: { packages: PinnedPackage[]; python: string }) {
  const trans = useTrans();
  const [search, setSearch] = useState('');
  const words = search.trim().toLowerCase();
  const found = words === '' ? packages : packages.filter(one => one.name.toLowerCase().includes(words));
  return (
    <>
      <div className="lq-filter-line">
        <input
          className="lq-input lq-filter"
          type="search"
          aria-label={trans.__('Filter packages')}
          placeholder={trans.__('Filter packages')}
          value={search}
          onChange={event => setSearch(event.target.value)}
        />
        <span className="lq-hint" role="status">
          {words !== ''
            ? trans.__('%1 of %2', found.length, packages.length)
            : python && trans.__('for Python %1', python)}
        </span>
      </div>
      {found.length === 0 ? (
        <p className="lq-nothing">{packages.length === 0 ? trans.__('It holds none.') : trans.__('None of that name.')}</p>
      ) : (
        <table className="lq-table" aria-label={trans.__('Packages')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Package')}</th>
              <th scope="col">{trans.__('Version')}</th>
              <th scope="col">{trans.__('Who says so')}</th>
            </tr>
          </thead>
          <tbody>
            {found.map(one => (
              <tr key={one.name}>
                <th scope="row" className="lq-code">
                  {one.name}
                </th>
                <td className="lq-code">{one.version}</td>
                <td>
                  <WitnessChip witness={one.witness} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
