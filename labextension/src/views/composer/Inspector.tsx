import type { FoundFault } from '../../state/faults';
import { linkId, type Link } from '../../state/links';
import type { Edit } from '../../state/composer';
import type { Selection } from '../../state/selection';
import { LinkInspector, ManyInspector } from './ChosenInspector';
import type { ComposerProps } from './Composer';
import { TaskInspector } from './TaskInspector';
import { WorkflowInspector } from './WorkflowInspector';

interface Props extends ComposerProps {
  selection: Selection;
  links: Link[];
  faults: readonly FoundFault[];
  onEdit: (edit: Edit) => void;
  onChoose: (task: string | null) => void;
  onDuplicate: () => void;
  onRemove: () => void;
}

/** What is chosen, in detail: a task, several, a link; the workflow where nothing is. */
export function Inspector({ selection, links, onChoose, onDuplicate, onRemove, ...props }: Props) {
  const { workflow } = props;
  const tasks = workflow.tasks.filter(task => selection.tasks.includes(task.name));
  const [task] = tasks;
  const link = tasks.length === 0 ? links.find(one => linkId(one) === selection.links[0]) : undefined;
  const close = () => onChoose(null);
  return (
    <div className="lq-inspector">
      {tasks.length > 1 ? (
        <ManyInspector tasks={tasks} onChoose={onChoose} onDuplicate={onDuplicate} onRemove={onRemove} onClose={close} />
      ) : task ? (
        <TaskInspector key={task.name} task={task} {...props} onDuplicate={onDuplicate} onRemove={onRemove} onClose={close} />
      ) : link ? (
        <LinkInspector link={link} onChoose={onChoose} onRemove={onRemove} onClose={close} />
      ) : (
        <WorkflowInspector {...props} />
      )}
    </div>
  );
}
