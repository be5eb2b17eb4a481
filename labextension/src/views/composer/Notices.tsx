import type { FoundFault } from '../../state/faults';
import type { Upgrade } from '../../state/upgrade';
import { Button, Mark, useTrans } from '../elements';
import { UpgradeWords } from './UpgradeWords';

interface Props {
  faults: readonly FoundFault[];
  upgrades: readonly Upgrade[];
  onFault: (fault: FoundFault) => void;
  onUpgrade: () => void;
}

/** What saving would refuse, each a jump to its place; and which tasks use an older version of their block. */
export function Notices({ faults, upgrades, onFault, onUpgrade }: Props) {
  const trans = useTrans();
  if (faults.length + upgrades.length === 0) {
    return null;
  }
  return (
    <div className="lq-notices">
      {faults.length > 0 && (
        <section aria-label={trans.__('Faults')}>
          <ul>
            {faults.map(fault => (
              <li key={fault.text}>
                <Mark mark="FAILED" tone="bad" />
                <button type="button" className="lq-button lq-link" onClick={() => onFault(fault)}>
                  {fault.text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {upgrades.length > 0 && (
        <section className="lq-upgrades" aria-label={trans.__('Newer versions')}>
          <details className="lq-grow">
            <summary>
              {trans._n('%1 task uses an older version of its block', '%1 tasks use older versions of their blocks', upgrades.length)}
            </summary>
            <ul>
              {upgrades.map(one => (
                <li key={one.task}>
                  <UpgradeWords upgrade={one} named />
                </li>
              ))}
            </ul>
          </details>
          <Button onClick={onUpgrade}>{trans.__('Update all to newest')}</Button>
        </section>
      )}
    </div>
  );
}
