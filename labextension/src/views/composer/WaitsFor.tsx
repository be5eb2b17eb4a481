import { useId, useState } from 'react';
import type { Task, Workflow } from '../../contract';
import type { Edit } from '../../state/composer';
import { canWait, sourcesOf, waitsFor } from '../../state/links';
import { useTrans } from '../elements';

interface Props {
  task: Task;
  workflow: Workflow;
  fault: string | undefined;
  onEdit: (edit: Edit) => void;
}

/** The tasks that one waits for: the same as its links in the graph. Those it waits for at first stand first. */
export function WaitsFor({ task, workflow, fault, onEdit }: Props) {
  const trans = useTrans();
  const about = useId();
  const sources = sourcesOf(task);
  const [first] = useState(() => new Set(waitsFor(task)));
  const all = workflow.tasks.filter(one => one.name !== task.name);
  const others = [...all.filter(one => first.has(one.name)), ...all.filter(one => !first.has(one.name))];
  // A file may name what is not there: it is shown, so that it can be taken out.
  const unknown = task.after.filter(name => name === task.name || !others.some(one => one.name === name));
  const toggle = (on: string, waits: boolean) => onEdit({ type: 'after', task: task.name, on, waits });
  return (
    <fieldset className="lq-section" data-field="after" aria-describedby={fault ? about : undefined}>
      <legend>{trans.__('Waits for')}</legend>
      {fault && (
        <p id={about} className="lq-fault">
          {fault}
        </p>
      )}
      {others.length === 0 && <p className="lq-hint">{trans.__('There is no other task.')}</p>}
      {unknown.map(name => (
        <label key={`unknown ${name}`} className="lq-check">
          <input type="checkbox" checked onChange={() => toggle(name, false)} aria-invalid />
          <span className="lq-grow">{name}</span>
          <span className="lq-fault">{name === task.name ? trans.__('itself') : trans.__('is not there')}</span>
        </label>
      ))}
      {others.map(other => {
        const taken = sources.includes(other.name);
        const waits = taken || task.after.includes(other.name);
        const possible = canWait(workflow.tasks, task.name, other.name);
        return (
          <label key={other.name} className="lq-check">
            <input
              type="checkbox"
              checked={waits}
              disabled={taken || (!waits && !possible)}
              aria-invalid={waits && !possible ? true : undefined}
              onChange={event => toggle(other.name, event.target.checked)}
            />
            <span className="lq-grow">{other.name}</span>
            <span className={waits && !possible ? 'lq-fault' : 'lq-hint'}>
              {waits && !possible
                ? trans.__('circle')
                : taken
                  ? trans.__('takes its output')
                  : possible
                    ? ''
                    : trans.__('waits for this one')}
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
