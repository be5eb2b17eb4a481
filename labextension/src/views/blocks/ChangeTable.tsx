import type { Change } from '../../contract';
import { changeKind } from '../../state/diff';
import { useTrans } from '../elements';

/** What changed by name, old and new; nothing where nothing did. */
export function ChangeTable({ label, changes }: { label: string; changes: Change[] }) {
  const trans = useTrans();
  if (changes.length === 0) {
    return null;
  }
  const words = { added: trans.__('added'), removed: trans.__('removed'), changed: trans.__('changed') };
  return (
    <section className="lq-section">
      <h3>
        {label} <span className="lq-count">{changes.length}</span>
      </h3>
      <table className="lq-table lq-changes" aria-label={trans.__('Changes of: %1', label)}>
        <thead className="lq-hidden">
          <tr>
            <th scope="col">{trans.__('Name')}</th>
            <th scope="col">{trans.__('Change')}</th>
            <th scope="col">{trans.__('Old and new')}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(change => {
            const kind = changeKind(change);
            return (
              <tr key={change.name}>
                <th scope="row" className="lq-code">
                  {change.name}
                </th>
                <td className={`lq-changed lq-changed-${kind}`}>{words[kind]}</td>
                <td className="lq-code">
                  {change.old !== null && <del>{change.old}</del>}
                  {kind === 'changed' && <span aria-hidden="true"> → </span>}
                  {change.new !== null && <ins>{change.new}</ins>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
