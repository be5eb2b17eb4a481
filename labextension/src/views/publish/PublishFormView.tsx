import { unresolvedRows } from '../../state/packages';
import { formFaults, isUntouched, openErrors, openImports, requestOf, secretInputs } from '../../state/publish';
import { AmountFields, Button, FailureBox, TextField, useTrans } from '../elements';
import { AdvancedSection } from './AdvancedSection';
import { FilesSection } from './FilesSection';
import { InputsSection } from './InputsSection';
import { PackagesSection } from './PackagesSection';
import { ProblemsSection } from './ProblemsSection';
import { ProofSection } from './ProofSection';
import type { FormStage, PublishCallbacks } from './PublishPanel';
import { DataSection, SecretsSection } from './RunTimeSections';
import { SystemSection } from './SystemSection';

type Calls = Pick<PublishCallbacks, 'onEdit' | 'onPublish' | 'onRead' | 'onReset' | 'onCell' | 'tools'>;

/** What goes into the block, to be looked over and changed. */
export function PublishFormView(props: FormStage & Calls) {
  const { inspection, form, resolving, unresolvable, sending, failure, onEdit, onRead, onCell } = props;
  const trans = useTrans();
  const facts = inspection.facts;
  const faults = formFaults(form, facts.files);
  const blocker = useBlocker(props, faults);
  return (
    <form
      className="lq-form"
      aria-busy={sending}
      onKeyDown={event => {
        // From anywhere in the form, also from where Enter means something else.
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          event.currentTarget.requestSubmit();
        }
      }}
      onSubmit={event => {
        event.preventDefault();
        if (blocker === '' && !sending) {
          props.onPublish();
        }
      }}
    >
      <div className="lq-scroll">
        {failure && <FailureBox failure={failure} />}
        <ProblemsSection {...{ inspection, form, onEdit, onCell }} />
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
        <InputsSection rows={form.inputs} secrets={secretInputs(form)} faults={faults} onEdit={onEdit} />
        <PackagesSection {...{ inspection, form, resolving, unresolvable, onEdit, onRead }} />
        <SystemSection system={inspection.system} form={form} onEdit={onEdit} />
        <FilesSection files={facts.files} form={form} onEdit={onEdit} />
        <DataSection data={facts.data} onCell={onCell} />
        <SecretsSection {...{ inspection, form, onEdit, onCell }} />
        <ProofSection {...{ inspection, form, onEdit }} />
        <fieldset className="lq-section">
          <legend>{trans.__('Resources')}</legend>
          <AmountFields
            cpu={form.cpu}
            memory={form.memory}
            onCpu={text => onEdit({ type: 'cpu', text })}
            onMemory={text => onEdit({ type: 'memory', text })}
          />
        </fieldset>
        <AdvancedSection form={form} onEdit={onEdit} />
      </div>
      <footer className="lq-footer">
        <span className="lq-hint" role="status">
          {sending ? trans.__('Sending…') : blocker}
        </span>
        <Button icon="undo" onClick={props.onReset} disabled={sending || isUntouched(form, inspection)}>
          {trans.__('Reset')}
        </Button>
        <Button icon="refresh" onClick={onRead} disabled={sending || resolving}>
          {trans.__('Read again')}
        </Button>
        {blocker === '' && props.tools?.(requestOf(form, inspection))}
        <button type="submit" className="lq-button lq-primary" disabled={blocker !== '' || sending} title={trans.__('Ctrl+Enter')}>
          {trans.__('Publish')}
        </button>
      </footer>
    </form>
  );
}

/** Why this form cannot be published now, in a short sentence; "" if it can. */
function useBlocker({ inspection, form, resolving, unresolvable }: FormStage, faults: { [field: string]: string }): string {
  const trans = useTrans();
  const fields = Object.keys(faults);
  const undecided = fields.filter(field => field.startsWith('file:')).length;
  const stops = openErrors(inspection, form).length + openImports(inspection, form).length;
  if (fields.length > undecided) {
    return trans.__('Correct the marked fields.');
  }
  if (stops > 0) {
    return trans._n('%1 problem stops this: see above.', '%1 problems stop this: see above.', stops + undecided);
  }
  if (undecided > 0) {
    return trans._n('Say whether %1 large file goes in.', 'Say whether %1 large files go in.', undecided);
  }
  if (unresolvable || (!resolving && unresolvedRows(inspection, form).length > 0)) {
    return trans.__('The packages cannot be resolved.');
  }
  return resolving ? trans.__('Resolving the packages…') : '';
}
