import type { Upgrade } from '../../state/upgrade';
import { useTrans } from '../elements';

/** What moving a task to the newest version changes. */
export function UpgradeWords({ upgrade, named = false }: { upgrade: Upgrade; named?: boolean }) {
  const trans = useTrans();
  const { task, block, from, to, missing, removed } = upgrade;
  return (
    <span className="lq-upgrade-words">
      {named && (
        <>
          {task}: <span className="lq-code">{`${block}@${from} → @${to}`}</span>
        </>
      )}
      {missing.length > 0 && <span>{trans.__('needs a value for %1', missing.join(', '))}</span>}
      {removed.length > 0 && <span>{trans.__('has no input %1 any more: its value goes', removed.join(', '))}</span>}
      {missing.length + removed.length === 0 && <span>{trans.__('takes the same values')}</span>}
    </span>
  );
}
