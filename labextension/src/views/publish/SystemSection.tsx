import type { SystemNeed } from '../../contract';
import type { PublishEdit, PublishForm } from '../../state/publish';
import { isSystemPackage } from '../../state/requirements';
import { IconButton, useTrans } from '../elements';
import { AddField } from './AddField';
import { WitnessChip } from './Chip';

interface Props {
  system: SystemNeed[];
  form: PublishForm;
  onEdit: (edit: PublishEdit) => void;
}

/** Debian packages that the base image lacks. */
export function SystemSection({ system, form, onEdit }: Props) {
  const trans = useTrans();
  const kept = system.filter(need => !form.removeSystem.includes(need.package)).length;
  const rows = system.length + form.addSystem.length;
  return (
    <section className="lq-section">
      <h3>
        {trans.__('System packages')} <span className="lq-count">{kept + form.addSystem.length}</span>
      </h3>
      {rows === 0 && <p className="lq-hint">{trans.__('The base image has all that is known to be needed.')}</p>}
      {rows > 0 && (
        <table className="lq-table" aria-label={trans.__('System packages')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Package')}</th>
              <th scope="col">{trans.__('Who says so, and why')}</th>
              <th scope="col" className="lq-narrow">
                <span className="lq-hidden">{trans.__('Change')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {system.map(need => {
              const name = need.package;
              const removed = form.removeSystem.includes(name);
              return (
                <tr key={name}>
                  <th scope="row" className={`lq-code${removed ? ' lq-removed' : ''}`}>
                    {name}
                  </th>
                  <td>
                    {removed ? (
                      <span className="lq-hint">{trans.__('left out')}</span>
                    ) : (
                      <>
                        <WitnessChip witness={need.witness} /> <span className="lq-hint">{need.why}</span>
                      </>
                    )}
                  </td>
                  <td className="lq-narrow">
                    <IconButton
                      icon={removed ? 'undo' : 'close'}
                      label={removed ? trans.__('Take %1 back in', name) : trans.__('Leave out %1', name)}
                      onClick={() => onEdit({ type: 'system', name, keep: removed })}
                    />
                  </td>
                </tr>
              );
            })}
            {form.addSystem.map(name => (
              <tr key={`added ${name}`}>
                <th scope="row" className="lq-code">
                  {name}
                </th>
                <td>
                  <WitnessChip witness="user" />
                </td>
                <td className="lq-narrow">
                  <IconButton
                    icon="undo"
                    label={trans.__('Do not add %1', name)}
                    onClick={() => onEdit({ type: 'drop-system', name })}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <AddField
        label={trans.__('Add system package')}
        placeholder={trans.__('Add Debian package, as in graphviz')}
        action={trans.__('Add')}
        check={name => {
          const there = form.addSystem.includes(name) || system.some(need => need.package === name);
          return !isSystemPackage(name)
            ? 'Write the name of one Debian package, in lower case.'
            : there
              ? 'It is there already.'
              : null;
        }}
        onAdd={name => onEdit({ type: 'add-system', name })}
      />
    </section>
  );
}
