import type { Edit } from '../../state/composer';
import { formatCpu, formatMemory } from '../../state/resources';
import { isActive } from '../../state/states';
import { Button, Field, IconButton, TextField, useTrans } from '../elements';
import type { ComposerProps } from './Composer';

interface Props extends Pick<ComposerProps, 'projects' | 'workflow' | 'run' | 'busy' | 'message' | 'tools' | 'isFile' | 'onSave' | 'onStart'> {
  savable: boolean;
  /** null where there is nothing to undo, or to do again. */
  asText: boolean;
  onAsText: (asText: boolean) => void;
  onUndo: (() => void) | null;
  onRedo: (() => void) | null;
  onEdit: (edit: Edit) => void;
}

/** Name and project of the workflow; save and start. */
export function ComposerHeader({ projects, workflow, run, busy, message, tools, isFile = false, savable, asText, onAsText, onUndo, onRedo, onEdit, onSave, onStart }: Props) {
  const trans = useTrans();
  const going = run !== null && isActive(run.state);
  const known = projects.map(one => one.project.name);
  const names = known.includes(workflow.project) ? known : [workflow.project, ...known];
  const use = projects.find(one => one.project.name === workflow.project);
  return (
    <header className="lq-composer-header">
      <TextField label={trans.__('Workflow')} value={workflow.name} onChange={text => onEdit({ type: 'name', text })} />
      <Field label={trans.__('Project')}>
        {ids => (
          <select
            {...ids}
            className="lq-input"
            value={workflow.project}
            title={
              use &&
              trans.__(
                '%1 CPU and %2 in use of %3 CPU and %4',
                formatCpu(use.used.cpu_millicores),
                formatMemory(use.used.memory_bytes),
                formatCpu(use.project.quota.cpu_millicores),
                formatMemory(use.project.quota.memory_bytes)
              )
            }
            onChange={event => onEdit({ type: 'project', text: event.target.value })}
          >
            {names.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
      <p
        className={`lq-composer-message${message?.severity === 'error' ? ' lq-fault' : ''}`}
        role={message?.severity === 'error' ? 'alert' : 'status'}
      >
        {workflow.paused && <span className="lq-chip lq-paused">{trans.__('paused')}</span>}
        {(message?.conflict ? trans.__('changed elsewhere') : message?.text) ?? (workflow.revision > 0 ? trans.__('revision %1', workflow.revision) : isFile ? trans.__('not applied yet') : trans.__('not saved yet'))}
      </p>
      <div className="lq-actions">
        <IconButton icon="undo" label={trans.__('Undo')} disabled={onUndo === null} onClick={() => onUndo?.()} />
        <IconButton icon="redo" label={trans.__('Redo')} disabled={onRedo === null} onClick={() => onRedo?.()} />
        <button type="button" className="lq-button" aria-pressed={asText} onClick={() => onAsText(!asText)}>
          {trans.__('YAML')}
        </button>
        {tools}
        <Button
          {...(isFile ? {} : { kind: 'primary' })}
          onClick={onSave}
          disabled={busy || !savable}
          title={isFile ? trans.__('Makes it the workflow that the scheduler knows') : undefined}
        >
          {isFile ? trans.__('Apply') : trans.__('Save')}
        </Button>
        <Button
          icon="play"
          onClick={onStart}
          disabled={busy || !savable || going}
          title={going ? trans.__('A run of it is going on.') : trans.__('Saves, then starts now')}
        >
          {trans.__('Start')}
        </Button>
      </div>
    </header>
  );
}
