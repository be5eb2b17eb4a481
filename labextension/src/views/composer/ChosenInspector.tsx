import type { Task } from '../../contract';
import type { Link } from '../../state/links';
import { Button, IconButton, useTrans } from '../elements';

interface ManyProps {
  tasks: Task[];
  onChoose: (task: string) => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onClose: () => void;
}

/** Several chosen tasks. */
export function ManyInspector({ tasks, onChoose, onDuplicate, onRemove, onClose }: ManyProps) {
  const trans = useTrans();
  return (
    <section aria-label={trans._n('%1 task', '%1 tasks', tasks.length)}>
      <h3>
        {trans._n('%1 task', '%1 tasks', tasks.length)}
        <span className="lq-aside">
          <IconButton icon="close" label={trans.__('Back to the workflow')} onClick={onClose} />
        </span>
      </h3>
      <ul className="lq-chosen">
        {tasks.map(task => (
          <li key={task.name}>
            <Button kind="link" onClick={() => onChoose(task.name)}>
              {task.name}
            </Button>
            <span className="lq-quiet lq-code">{task.block}</span>
          </li>
        ))}
      </ul>
      <div className="lq-actions">
        <Button icon="duplicate" onClick={onDuplicate}>
          {trans.__('Duplicate')}
        </Button>
        <Button icon="trash" kind="danger" onClick={onRemove}>
          {trans.__('Remove')}
        </Button>
      </div>
    </section>
  );
}

interface LinkProps {
  link: Link;
  onChoose: (task: string) => void;
  onRemove: () => void;
  onClose: () => void;
}

/** One chosen link: who waits for whom, and takes what. */
export function LinkInspector({ link, onChoose, onRemove, onClose }: LinkProps) {
  const trans = useTrans();
  const { from, to, outputs } = link;
  return (
    <section aria-label={trans.__('Link from %1 to %2', from, to)}>
      <h3>
        {trans.__('Link')}
        <span className="lq-aside">
          <IconButton icon="close" label={trans.__('Back to the workflow')} onClick={onClose} />
        </span>
      </h3>
      <p className="lq-chosen-link">
        <Button kind="link" onClick={() => onChoose(to)}>
          {to}
        </Button>{' '}
        {trans.__('waits for')}{' '}
        <Button kind="link" onClick={() => onChoose(from)}>
          {from}
        </Button>
      </p>
      <p className="lq-hint">
        {outputs.length > 0
          ? trans.__('It takes %1. Removing the link empties those inputs.', outputs.join(', '))
          : trans.__('It takes no output of it.')}
      </p>
      <div className="lq-actions">
        <Button icon="trash" kind="danger" onClick={onRemove}>
          {trans.__('Remove link')}
        </Button>
      </div>
    </section>
  );
}
