import type { Failure } from '../../client/failure';
import type { Inspection } from '../../contract';
import { formFaults, type PublishForm } from '../../state/publish';
import { AmountFields, Button, FailureBox, TextField, useTrans } from '../elements';
import { FilesSection } from './FilesSection';
import { FindingsSection } from './FindingsSection';
import { InputsSection } from './InputsSection';
import { PackagesSection } from './PackagesSection';
import type { PublishCallbacks } from './PublishPanel';

interface Props extends Pick<PublishCallbacks, 'onEdit' | 'onPublish' | 'onRead' | 'onCell'> {
  inspection: Inspection;
  form: PublishForm;
  sending: boolean;
  failure: Failure | null;
}

/** What goes into the block, to be looked over and changed. */
export function PublishFormView({ inspection, form, sending, failure, onEdit, onPublish, onRead, onCell }: Props) {
  const trans = useTrans();
  const faults = formFaults(form);
  const blocked = Object.keys(faults).length > 0;
  const stops = inspection.facts.findings.filter(finding => finding.severity === 'error').length;
  return (
    <form
      className="lq-form"
      aria-busy={sending}
      onSubmit={event => {
        event.preventDefault();
        if (!blocked && !sending) {
          onPublish();
        }
      }}
    >
      <div className="lq-scroll">
        {failure && <FailureBox failure={failure} />}
        <FindingsSection findings={inspection.facts.findings} unresolved={inspection.unresolved} onCell={onCell} />
        <TextField
          label={trans.__('Name')}
          value={form.name}
          onChange={text => onEdit({ type: 'name', text })}
          fault={faults['name'] && trans.__(faults['name'])}
        />
        <TextField
          label={trans.__('Description')}
          value={form.description}
          onChange={text => onEdit({ type: 'description', text })}
          placeholder={trans.__('What it does, for others')}
        />
        <InputsSection rows={form.inputs} faults={faults} onEdit={onEdit} />
        <PackagesSection lock={inspection.lock} form={form} onEdit={onEdit} />
        <FilesSection files={inspection.facts.files} excluded={form.excludeFiles} onEdit={onEdit} />
        <fieldset className="lq-section">
          <legend>{trans.__('Resources')}</legend>
          <AmountFields
            cpu={form.cpu}
            memory={form.memory}
            onCpu={text => onEdit({ type: 'cpu', text })}
            onMemory={text => onEdit({ type: 'memory', text })}
          />
          <label className="lq-check">
            <input
              type="checkbox"
              checked={form.verify}
              onChange={event => onEdit({ type: 'verify', on: event.target.checked })}
            />
            {trans.__('Prove it: start the finished image once before it is registered')}
          </label>
        </fieldset>
      </div>
      <footer className="lq-footer">
        <span className="lq-hint" role="status">
          {sending
            ? trans.__('Sending…')
            : blocked
              ? trans.__('Correct the marked fields.')
              : stops > 0
                ? trans._n('%1 finding stops this.', '%1 findings stop this.', stops)
                : ''}
        </span>
        <Button icon="refresh" onClick={onRead} disabled={sending}>
          {trans.__('Read again')}
        </Button>
        <button type="submit" className="lq-button lq-primary" disabled={blocked || sending}>
          {trans.__('Publish')}
        </button>
      </footer>
    </form>
  );
}
