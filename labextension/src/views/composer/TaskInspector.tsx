import { useState } from 'react';
import type { Task } from '../../contract';
import { blockOf, taskRunOf, type Edit } from '../../state/composer';
import { faultAt, type FoundFault } from '../../state/faults';
import { freeName, isName } from '../../state/names';
import { upgradeOf } from '../../state/upgrade';
import { Button, IconButton, ResourcesField, TextField, useTrans } from '../elements';
import type { ComposerProps } from './Composer';
import { TaskConduct } from './TaskConduct';
import { TaskInputs } from './TaskInputs';
import { TaskRunSection } from './TaskRunSection';
import { UpgradeWords } from './UpgradeWords';
import { WaitsFor } from './WaitsFor';

interface Props extends Pick<ComposerProps, 'blocks' | 'workflow' | 'run' | 'log' | 'onLog'> {
  task: Task;
  /** Of all tasks. */
  faults: readonly FoundFault[];
  onEdit: (edit: Edit) => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onClose: () => void;
}

/** Faults of these are shown at their fields. */
const PLACED = /^(?:inputs\.|resources$|block$|after$|when$|foreach$)/;

/** Everything about the chosen task. */
export function TaskInspector({ task, blocks, workflow, run, log, faults, onEdit, onLog, onDuplicate, onRemove, onClose }: Props) {
  const trans = useTrans();
  const name = task.name;
  const block = blockOf(task, blocks);
  const taskRun = taskRunOf(run, name);
  const own = faults.filter(one => one.task === name);
  const loose = own.filter(one => !PLACED.test(one.field));
  return (
    <section aria-label={trans.__('Task %1', name)}>
      <h3>
        {trans.__('Task')}
        <span className="lq-aside">
          <IconButton icon="duplicate" label={trans.__('Duplicate task %1', name)} onClick={onDuplicate} />
          <IconButton icon="trash" label={trans.__('Remove task %1', name)} onClick={onRemove} />
          <IconButton icon="close" label={trans.__('Back to the workflow')} onClick={onClose} />
        </span>
      </h3>
      {loose.length > 0 && (
        <ul className="lq-faults lq-fault">
          {loose.map(fault => (
            <li key={fault.text}>{fault.message}</li>
          ))}
        </ul>
      )}
      {taskRun && <TaskRunSection one={taskRun} log={log?.task === name ? log : null} onLog={onLog} />}
      <NameField task={task} workflow={workflow} onEdit={onEdit} />
      <BlockField task={task} blocks={blocks} fault={faultAt(own, 'block')} onEdit={onEdit} />
      <TaskInputs task={task} block={block} blocks={blocks} workflow={workflow} faults={own} onEdit={onEdit} />
      <div data-field="resources">
        <ResourcesField
          value={task.resources}
          fault={faultAt(own, 'resources')}
          onChange={resources => onEdit({ type: 'resources', task: name, resources })}
        />
      </div>
      <TaskConduct task={task} faults={own} onEdit={onEdit} />
      <WaitsFor key={task.name} task={task} workflow={workflow} fault={faultAt(own, 'after')} onEdit={onEdit} />
    </section>
  );
}

function NameField({ task, workflow, onEdit }: Pick<Props, 'task' | 'workflow' | 'onEdit'>) {
  const trans = useTrans();
  const [draft, setDraft] = useState(task.name);
  const others = workflow.tasks.map(one => one.name).filter(one => one !== task.name);
  const fault = !isName(draft)
    ? trans.__('Use up to 50 lower-case letters, digits and single hyphens, as in clean-sales.')
    : others.includes(draft)
      ? trans.__('%1 is another task. %2 is free.', draft, freeName(draft, others))
      : undefined;
  // The name is taken over when the field is left: each letter would be a task of its own.
  const take = () => {
    if (fault === undefined && draft !== task.name) {
      onEdit({ type: 'rename-task', task: task.name, name: draft });
    }
  };
  return (
    <div
      onBlur={take}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          take();
        }
      }}
    >
      <TextField label={trans.__('Name')} value={draft} onChange={setDraft} fault={fault} />
    </div>
  );
}

/** Which version of which block, and the way to the newest. */
function BlockField({ task, blocks, fault, onEdit }: Pick<Props, 'task' | 'blocks' | 'onEdit'> & { fault: string | undefined }) {
  const trans = useTrans();
  const upgrade = upgradeOf(task, blocks);
  const description = blockOf(task, blocks)?.spec.description;
  return (
    <div className="lq-field" data-field="block" role="group" aria-label={trans.__('Block')}>
      <span className="lq-label">{trans.__('Block')}</span>
      <span className="lq-code">
        {task.block}
        {task.version && `@${task.version}`}
      </span>
      {fault && <p className="lq-fault">{fault}</p>}
      {upgrade && (
        <>
          <Button kind="link" onClick={() => onEdit({ type: 'upgrade', upgrades: [upgrade] })}>
            {trans.__('Update to @%1', upgrade.to)}
          </Button>
          <p className="lq-hint">
            <UpgradeWords upgrade={upgrade} />
          </p>
        </>
      )}
      {description && <p className="lq-hint">{description}</p>}
    </div>
  );
}
