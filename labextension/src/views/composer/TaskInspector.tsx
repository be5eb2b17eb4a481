import { useState } from 'react';
import type { Task } from '../../contract';
import { blockOf, canWait, faultsOf, newerVersion, sourcesOf, taskRunOf, type Edit } from '../../state/composer';
import { freeName, isName } from '../../state/names';
import { Button, IconButton, ResourcesField, TextField, useTrans } from '../elements';
import type { ComposerProps } from './Composer';
import { TaskConduct } from './TaskConduct';
import { TaskInputs } from './TaskInputs';
import { TaskRunSection } from './TaskRunSection';

interface Props extends Pick<ComposerProps, 'blocks' | 'workflow' | 'run' | 'log' | 'onLog'> {
  task: Task;
  faults: string[];
  onEdit: (edit: Edit) => void;
  onClose: () => void;
}

/** Everything about the chosen task. */
export function TaskInspector({ task, blocks, workflow, run, log, faults, onEdit, onLog, onClose }: Props) {
  const trans = useTrans();
  const name = task.name;
  const block = blockOf(task, blocks);
  const newer = newerVersion(task, blocks);
  const taskRun = taskRunOf(run, name);
  const own = faultsOf(faults, workflow.tasks, name);
  return (
    <section aria-label={trans.__('Task %1', name)}>
      <h3>
        {trans.__('Task')}
        <span className="lq-aside">
          <IconButton icon="copy" label={trans.__('Duplicate task %1', name)} onClick={() => onEdit({ type: 'duplicate-task', task: name })} />
          <IconButton icon="trash" label={trans.__('Remove task %1', name)} onClick={() => onEdit({ type: 'remove-task', task: name })} />
          <IconButton icon="close" label={trans.__('Back to the workflow')} onClick={onClose} />
        </span>
      </h3>
      {own.length > 0 && (
        <ul className="lq-faults lq-fault">
          {own.map(fault => (
            <li key={fault}>{fault}</li>
          ))}
        </ul>
      )}
      {taskRun && <TaskRunSection one={taskRun} log={log?.task === name ? log : null} onLog={onLog} />}
      <NameField task={task} workflow={workflow} onEdit={onEdit} />
      <div className="lq-field">
        <span className="lq-label">{trans.__('Block')}</span>
        <span className="lq-code">
          {task.block}
          {task.version && `@${task.version}`}
        </span>
        {newer && (
          <Button kind="link" onClick={() => onEdit({ type: 'version', task: name, version: newer })}>
            {trans.__('Update to @%1', newer)}
          </Button>
        )}
        {block?.spec.description && <p className="lq-hint">{block.spec.description}</p>}
      </div>
      <TaskInputs task={task} block={block} blocks={blocks} workflow={workflow} onEdit={onEdit} />
      <ResourcesField
        value={task.resources}
        onChange={resources => onEdit({ type: 'resources', task: name, resources })}
      />
      <TaskConduct task={task} onEdit={onEdit} />
      <WaitsFor task={task} workflow={workflow} onEdit={onEdit} />
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

function WaitsFor({ task, workflow, onEdit }: Pick<Props, 'task' | 'workflow' | 'onEdit'>) {
  const trans = useTrans();
  const sources = sourcesOf(task);
  const others = workflow.tasks.filter(one => one.name !== task.name);
  return (
    <fieldset className="lq-section">
      <legend>{trans.__('Waits for')}</legend>
      {others.length === 0 && <p className="lq-hint">{trans.__('There is no other task.')}</p>}
      {others.map(other => {
        const taken = sources.includes(other.name);
        const possible = canWait(workflow.tasks, task.name, other.name);
        return (
          <label key={other.name} className="lq-check">
            <input
              type="checkbox"
              checked={taken || task.after.includes(other.name)}
              disabled={taken || !possible}
              onChange={event => onEdit({ type: 'after', task: task.name, on: other.name, waits: event.target.checked })}
            />
            <span className="lq-grow">{other.name}</span>
            <span className="lq-hint">
              {taken ? trans.__('takes its output') : possible ? '' : trans.__('waits for this one')}
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
