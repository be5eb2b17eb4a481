import type { Check, Workflow } from '../../contract';
import type { Edit } from '../../state/composer';
import { fullTime } from '../../state/time';
import { TextField, useTrans } from '../elements';
import { ScheduleEditor } from './ScheduleEditor';

interface Props {
  workflow: Workflow;
  check: Check;
  onEdit: (edit: Edit) => void;
}

/** What belongs to the whole workflow: its description and when it starts. */
export function WorkflowInspector({ workflow, check, onEdit }: Props) {
  const trans = useTrans();
  const { schedule } = workflow;
  return (
    <section aria-label={trans.__('Workflow settings')}>
      <h3>{trans.__('Workflow')}</h3>
      <TextField
        label={trans.__('Description')}
        value={workflow.description}
        onChange={text => onEdit({ type: 'description', text })}
      />
      <ScheduleEditor schedule={schedule} onChange={changed => onEdit({ type: 'schedule', schedule: changed })} />
      {schedule && (
        <div className="lq-field">
          <span className="lq-label">{trans.__('Next starts')}</span>
          {workflow.paused && <p className="lq-hint">{trans.__('It is paused: none of them happens.')}</p>}
          {check.next_starts.length === 0 ? (
            <p className="lq-hint">{trans.__('None.')}</p>
          ) : (
            <ol className="lq-starts" aria-label={trans.__('Next starts')}>
              {check.next_starts.map(start => (
                <li key={start}>{fullTime(start, schedule.timezone)}</li>
              ))}
            </ol>
          )}
        </div>
      )}
      <p className="lq-hint">{trans.__('Choose a task in the graph to set its inputs and what it waits for.')}</p>
    </section>
  );
}
