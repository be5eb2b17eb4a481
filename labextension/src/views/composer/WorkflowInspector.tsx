import type { Edit } from '../../state/composer';
import type { FoundFault } from '../../state/faults';
import { Button, TextField, useTrans } from '../elements';
import { BackfillForm } from './BackfillForm';
import type { ComposerProps } from './Composer';
import { ScheduleEditor } from './ScheduleEditor';
import { StartsPreview } from './StartsPreview';

interface Props extends Pick<ComposerProps, 'workflow' | 'check' | 'busy' | 'onPause' | 'onBackfill'> {
  faults: readonly FoundFault[];
  onEdit: (edit: Edit) => void;
}

/** What belongs to the whole workflow: its description and when it starts. */
export function WorkflowInspector({ workflow, check, busy, faults, onEdit, onPause, onBackfill }: Props) {
  const trans = useTrans();
  const { schedule, paused } = workflow;
  const own = faults.filter(one => one.task === null);
  const saved = workflow.revision > 0;
  return (
    <section aria-label={trans.__('Workflow settings')}>
      <h3>{trans.__('Workflow')}</h3>
      <TextField
        label={trans.__('Description')}
        value={workflow.description}
        onChange={text => onEdit({ type: 'description', text })}
      />
      <ScheduleEditor schedule={schedule} faults={own} onChange={changed => onEdit({ type: 'schedule', schedule: changed })} />
      {schedule && (
        <StartsPreview
          schedule={schedule}
          check={check}
          paused={paused}
          faulty={workflow.tasks.length === 0 || own.some(one => one.field.startsWith('schedule'))}
        />
      )}
      {saved && onPause && (schedule || paused) && (
        <div className="lq-actions">
          <Button icon={paused ? 'resume' : 'pause'} kind={paused ? 'primary' : 'plain'} disabled={busy} onClick={() => onPause(!paused)}>
            {paused ? trans.__('Resume the schedule') : trans.__('Pause the schedule')}
          </Button>
        </div>
      )}
      {saved && schedule && onBackfill && <BackfillForm key={schedule.timezone} timezone={schedule.timezone} onBackfill={onBackfill} />}
      <p className="lq-hint">{trans.__('Choose a task in the graph to set its inputs and what it waits for.')}</p>
    </section>
  );
}
