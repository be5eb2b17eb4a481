import type { Task } from '../../contract';
import { faultsOf } from '../../state/composer';
import { Mark, useTrans } from '../elements';

interface Props {
  faults: string[];
  tasks: Task[];
  onSelect: (task: string) => void;
}

/** What saving would refuse; a click leads to the task. */
export function Notices({ faults, tasks, onSelect }: Props) {
  const trans = useTrans();
  if (faults.length === 0) {
    return null;
  }
  return (
    <section className="lq-notices" aria-label={trans.__('Faults')}>
      <ul>
        {faults.map(fault => {
          const task = tasks.find(one => faultsOf([fault], tasks, one.name).length > 0);
          return (
            <li key={fault}>
              <Mark mark="FAILED" tone="bad" />
              {task ? (
                <button type="button" className="lq-button lq-link" onClick={() => onSelect(task.name)}>
                  {fault}
                </button>
              ) : (
                <span>{fault}</span>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
