import { useEffect, useRef } from 'react';
import type { Failure } from '../../client/failure';
import { answeredFaults, imageFaults, nameOf, ownVariables, type ImageEdit, type ImageFaults, type ImageForm } from '../../state/imageForm';
import { AmountFields, Button, FailureBox, Icon, TextField, useTrans } from '../elements';
import { CommandField, EnvironmentRows, InputRows, OutputRows } from './ImageRows';

export interface ImageFormProps {
  form: ImageForm;
  sending: boolean;
  /** How often it was tried to make the block: what is missing is said only then. */
  tries: number;
  /** What the service said to the last try; null once the form is changed. */
  failure: Failure | null;
  onEdit: (edit: ImageEdit) => void;
  onCreate: () => void;
  onClose: () => void;
}

/** A block around an existing image: what it is called, what it takes, how that reaches the container, what it gives. */
export function ImageFormView({ form, sending, tries, failure, onEdit, onCreate, onClose }: ImageFormProps) {
  const trans = useTrans();
  const root = useRef<HTMLFormElement>(null);
  const own = imageFaults(form);
  const answered = failure ? answeredFaults(failure, form) : { fields: {}, rest: null };
  const shown: ImageFaults = { ...answered.fields, ...(tries > 0 ? own : typed(own, form)) };
  const wrong = Object.keys(shown).length;
  const text = (field: string) => {
    const fault = shown[field];
    return fault === undefined ? undefined : trans.__(fault);
  };

  // What was found wrong is what one goes on with.
  useEffect(() => {
    if (tries > 0 && (failure !== null || Object.keys(imageFaults(form)).length > 0)) {
      root.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    }
    // Only at an attempt, not at each letter after it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [tries, failure]);

  const variables = ownVariables(form);
  return (
    <section className="lq-root lq-publish" aria-label={trans.__('Block from an image')}>
      <header className="lq-header">
        <Icon name="image" />
        <h2>{trans.__('Block from an image')}</h2>
      </header>
      <form
        ref={root}
        className="lq-form"
        noValidate
        aria-busy={sending}
        onSubmit={event => {
          event.preventDefault();
          if (!sending) {
            onCreate();
          }
        }}
      >
        <div className="lq-scroll">
          <p className="lq-hint lq-lead">
            {trans.__('Nothing is copied or run: the block names the image by its digest, and says what it takes and gives.')}
          </p>
          {answered.rest && <FailureBox failure={answered.rest} />}
          <TextField
            label={trans.__('Image')}
            value={form.image}
            onChange={value => onEdit({ type: 'image', text: value })}
            fault={text('image')}
            placeholder="ghcr.io/acme/score:2"
            hint={trans.__('Any registry the server can reach, by tag or digest.')}
          />
          <TextField
            label={trans.__('Name')}
            value={nameOf(form)}
            onChange={value => onEdit({ type: 'name', text: value })}
            fault={text('name')}
          />
          <TextField
            label={trans.__('Description')}
            value={form.description}
            onChange={value => onEdit({ type: 'description', text: value })}
            placeholder={trans.__('What it does, for others')}
          />
          <InputRows form={form} text={text} onEdit={onEdit} />
          <EnvironmentRows form={form} text={text} onEdit={onEdit} />
          {variables.length > 0 && (
            <p className="lq-hint lq-after">
              {trans.__(
                'Set by themselves, as no variable or argument mentions their inputs: %1',
                variables.map(one => `${one.variable}=\${{ inputs.${one.input} }}`).join(', ')
              )}
            </p>
          )}
          <CommandField form={form} text={text} onEdit={onEdit} />
          <OutputRows form={form} text={text} onEdit={onEdit} />
          <fieldset className="lq-section">
            <legend>{trans.__('Resources')}</legend>
            <AmountFields
              cpu={form.cpu}
              memory={form.memory}
              onCpu={value => onEdit({ type: 'cpu', text: value })}
              onMemory={value => onEdit({ type: 'memory', text: value })}
            />
          </fieldset>
        </div>
        <footer className="lq-footer">
          <span className="lq-hint" role="status">
            {sending
              ? trans.__('Asking the registry for the image…')
              : wrong > 0
                ? trans._n('Correct the marked field.', 'Correct the %1 marked fields.', wrong)
                : ''}
          </span>
          <Button onClick={onClose} disabled={sending}>
            {trans.__('Cancel')}
          </Button>
          <button type="submit" className="lq-button lq-primary" disabled={sending}>
            {trans.__('Make block')}
          </button>
        </footer>
      </form>
    </section>
  );
}

/** Before a try, only what was typed is judged: an empty field is not a fault yet. */
function typed(faults: ImageFaults, form: ImageForm): ImageFaults {
  const empty = (field: string): boolean => {
    const [rows, id, part] = field.split(':');
    if (rows === 'inputs' || rows === 'environment' || rows === 'outputs') {
      const row = form[rows].find(one => String(one.id) === id);
      return row !== undefined && (part === 'path' ? 'path' in row && row.path === '' : part === 'name' && row.name === '');
    }
    return (field === 'image' && form.image === '') || (field === 'name' && nameOf(form) === '');
  };
  return Object.fromEntries(Object.entries(faults).filter(([field]) => !empty(field)));
}
