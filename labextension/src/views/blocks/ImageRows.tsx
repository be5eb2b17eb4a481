import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import type { InputType } from '../../contract';
import { inputReference, type ImageEdit, type ImageForm, type OutputSource } from '../../state/imageForm';
import { isIdentifier } from '../../state/names';
import { IconButton, useTrans, ValueControl } from '../elements';

const TYPES: readonly InputType[] = ['str', 'int', 'float', 'bool', 'json'];

interface Props {
  form: ImageForm;
  /** What is wrong with a field, if anything. */
  text: (field: string) => string | undefined;
  onEdit: (edit: ImageEdit) => void;
}

/** The typed inputs. */
export function InputRows({ form, text, onEdit }: Props) {
  const trans = useTrans();
  return (
    <Rows
      title={trans.__('Inputs')}
      count={form.inputs.length}
      hint={trans.__('None: every run does the same.')}
      add={trans.__('Add input')}
      onAdd={() => onEdit({ type: 'add', rows: 'inputs' })}
    >
      {form.inputs.map((row, place) => {
        const called = row.name || String(place + 1);
        const change = (values: Partial<typeof row>) => onEdit({ type: 'input', id: row.id, change: values });
        return (
          <Row
            key={row.id}
            faults={{ name: text(`inputs:${row.id}:name`), other: text(`inputs:${row.id}:default`) }}
            remove={trans.__('Remove input %1', called)}
            onRemove={() => onEdit({ type: 'drop', rows: 'inputs', id: row.id })}
          >
            {marks => (
              <>
                <input
                  {...marks.name}
                  className="lq-input lq-code"
                  aria-label={trans.__('Name of input %1', place + 1)}
                  placeholder={trans.__('name')}
                  value={row.name}
                  spellCheck={false}
                  autoComplete="off"
                  onChange={event => change({ name: event.target.value })}
                />
                <select
                  className="lq-input lq-short"
                  aria-label={trans.__('Type of %1', called)}
                  value={row.secret ? 'secret' : row.type}
                  onChange={event => {
                    const type = event.target.value;
                    change(type === 'secret' ? { secret: true, type: 'str' } : { secret: false, type: type as InputType });
                  }}
                >
                  {TYPES.map(type => (
                    <option key={type}>{type}</option>
                  ))}
                  <option value="secret">{trans.__('secret')}</option>
                </select>
                {row.secret ? (
                  <span className="lq-hint lq-grow">{trans.__('by reference, never stored')}</span>
                ) : row.required ? (
                  <span className="lq-hint lq-grow">{trans.__('given at every run')}</span>
                ) : (
                  <ValueControl
                    {...marks.other}
                    input={{ ...row, default: null }}
                    text={row.text}
                    onText={value => change({ text: value })}
                    aria-label={trans.__('Default of %1', called)}
                    placeholder={trans.__('default')}
                  />
                )}
                {!row.secret && (
                  <label className="lq-check">
                    <input
                      type="checkbox"
                      aria-label={trans.__('%1 is required', called)}
                      checked={row.required}
                      onChange={event => change({ required: event.target.checked })}
                    />
                    <span aria-hidden="true">{trans.__('required')}</span>
                  </label>
                )}
              </>
            )}
          </Row>
        );
      })}
    </Rows>
  );
}

/** Environment variables, which may hold the values of inputs. */
export function EnvironmentRows({ form, text, onEdit }: Props) {
  const trans = useTrans();
  return (
    <Rows
      title={trans.__('Environment variables')}
      count={form.environment.length}
      hint=""
      add={trans.__('Add variable')}
      onAdd={() => onEdit({ type: 'add', rows: 'environment' })}
    >
      {form.environment.map((row, place) => (
        <Row
          key={row.id}
          faults={{ name: text(`environment:${row.id}:name`), other: text(`environment:${row.id}:value`) }}
          remove={trans.__('Remove variable %1', row.name || String(place + 1))}
          onRemove={() => onEdit({ type: 'drop', rows: 'environment', id: row.id })}
        >
          {marks => (
            <>
              <input
                {...marks.name}
                className="lq-input lq-code"
                aria-label={trans.__('Name of variable %1', place + 1)}
                placeholder="NAME"
                value={row.name}
                spellCheck={false}
                autoComplete="off"
                onChange={event => onEdit({ type: 'variable', id: row.id, change: { name: event.target.value } })}
              />
              <span aria-hidden="true">=</span>
              <WithInserts
                form={form}
                label={trans.__('Value of %1', row.name || String(place + 1))}
                value={row.value}
                marks={marks.other}
                onChange={value => onEdit({ type: 'variable', id: row.id, change: { value } })}
              />
            </>
          )}
        </Row>
      ))}
    </Rows>
  );
}

/** The words that take the place of the image's command. */
export function CommandField({ form, text, onEdit }: Props) {
  const trans = useTrans();
  const about = useId();
  const fault = text('command');
  return (
    <section className="lq-section">
      <h3>{trans.__('Command')}</h3>
      <WithInserts
        form={form}
        lines
        label={trans.__('Command, one argument a line')}
        value={form.command}
        marks={{ 'aria-describedby': about, ...(fault ? { 'aria-invalid': true } : {}) }}
        placeholder={trans.__('empty: the image’s own')}
        onChange={value => onEdit({ type: 'command', text: value })}
      />
      <p id={about} className={fault ? 'lq-fault' : 'lq-hint'}>
        {fault ?? trans.__('One argument a line, as it is: no shell, no quotes. The image’s entry point stays.')}
      </p>
    </section>
  );
}

/** What a run gives: the content of files, or the exit code. */
export function OutputRows({ form, text, onEdit }: Props) {
  const trans = useTrans();
  return (
    <Rows
      title={trans.__('Outputs')}
      count={form.outputs.length}
      hint={trans.__('None: other tasks can only wait for it.')}
      add={trans.__('Add output')}
      onAdd={() => onEdit({ type: 'add', rows: 'outputs' })}
    >
      {form.outputs.map((row, place) => {
        const called = row.name || String(place + 1);
        return (
          <Row
            key={row.id}
            faults={{ name: text(`outputs:${row.id}:name`), other: text(`outputs:${row.id}:path`) }}
            remove={trans.__('Remove output %1', called)}
            onRemove={() => onEdit({ type: 'drop', rows: 'outputs', id: row.id })}
          >
            {marks => (
              <>
                <input
                  {...marks.name}
                  className="lq-input lq-code"
                  aria-label={trans.__('Name of output %1', place + 1)}
                  placeholder={trans.__('name')}
                  value={row.name}
                  spellCheck={false}
                  autoComplete="off"
                  onChange={event => onEdit({ type: 'output', id: row.id, change: { name: event.target.value } })}
                />
                <select
                  className="lq-input lq-short"
                  aria-label={trans.__('Where %1 comes from', called)}
                  value={row.source}
                  onChange={event =>
                    onEdit({ type: 'output', id: row.id, change: { source: event.target.value as OutputSource } })
                  }
                >
                  <option value="file">{trans.__('file')}</option>
                  <option value="exit-code">{trans.__('exit code')}</option>
                </select>
                {row.source === 'file' ? (
                  <input
                    {...marks.other}
                    className="lq-input lq-code"
                    aria-label={trans.__('Path of %1', called)}
                    placeholder="/out/score.json"
                    value={row.path}
                    spellCheck={false}
                    autoComplete="off"
                    onChange={event => onEdit({ type: 'output', id: row.id, change: { path: event.target.value } })}
                  />
                ) : (
                  <span className="lq-hint lq-grow">{trans.__('a number; other than 0 is no failure then')}</span>
                )}
              </>
            )}
          </Row>
        );
      })}
    </Rows>
  );
}

interface RowsProps {
  title: string;
  count: number;
  hint: string;
  add: string;
  onAdd: () => void;
  children: ReactNode;
}

/** A list of rows that can be added to; a new row gets the focus, and so does the button once a row is gone. */
function Rows({ title, count, hint, add, onAdd, children }: RowsProps) {
  const box = useRef<HTMLElement>(null);
  const before = useRef(count);
  useLayoutEffect(() => {
    const rows = box.current?.querySelectorAll<HTMLElement>('.lq-form-row > input:first-child');
    if (count > before.current) {
      [...(rows ?? [])].at(-1)?.focus();
    } else if (count < before.current) {
      box.current?.querySelector<HTMLElement>('.lq-add-row')?.focus();
    }
    before.current = count;
  }, [count]);
  return (
    <section ref={box} className="lq-section">
      <h3>
        {title} <span className="lq-count">{count}</span>
      </h3>
      {count === 0 && hint !== '' && <p className="lq-hint">{hint}</p>}
      {count > 0 && <ul className="lq-form-rows">{children}</ul>}
      <button type="button" className="lq-button lq-add-row" onClick={onAdd}>
        {add}
      </button>
    </section>
  );
}

/** What ties a field to what is said against it. */
interface Marks {
  'aria-invalid'?: true;
  'aria-describedby'?: string;
}

interface RowProps {
  /** What is wrong with the row's name, and with what stands beside it. */
  faults: { name: string | undefined; other: string | undefined };
  remove: string;
  onRemove: () => void;
  children: (marks: { name: Marks; other: Marks }) => ReactNode;
}

function Row({ faults, remove, onRemove, children }: RowProps) {
  const about = useId();
  const marks = (part: 'name' | 'other'): Marks =>
    faults[part] === undefined ? {} : { 'aria-invalid': true, 'aria-describedby': `${about}-${part}` };
  return (
    <li>
      <div className="lq-form-row">
        {children({ name: marks('name'), other: marks('other') })}
        <IconButton icon="trash" label={remove} onClick={onRemove} />
      </div>
      {(['name', 'other'] as const).map(
        part =>
          faults[part] !== undefined && (
            <p key={part} id={`${about}-${part}`} className="lq-fault">
              {faults[part]}
            </p>
          )
      )}
    </li>
  );
}

interface WithInsertsProps {
  form: ImageForm;
  label: string;
  value: string;
  onChange: (value: string) => void;
  lines?: boolean;
  marks?: Marks;
  placeholder?: string;
}

/** A text field, and a choice of inputs that puts what stands for one at the cursor. */
function WithInserts({ form, label, value, onChange, lines = false, marks = {}, placeholder }: WithInsertsProps) {
  const trans = useTrans();
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const names = form.inputs.map(one => one.name).filter(isIdentifier);
  const insert = (name: string) => {
    const words = inputReference(name);
    const { selectionStart: from, selectionEnd: to } = field.current ?? { selectionStart: value.length, selectionEnd: value.length };
    onChange(value.slice(0, from) + words + value.slice(to));
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(from + words.length, from + words.length);
    });
  };
  const shared = {
    ref: field,
    className: 'lq-input lq-code',
    'aria-label': label,
    ...marks,
    placeholder,
    value,
    spellCheck: false,
    autoComplete: 'off',
    onChange: (event: { target: { value: string } }) => onChange(event.target.value)
  };
  return (
    <div className="lq-inserts">
      {lines ? <textarea rows={Math.min(8, Math.max(2, value.split('\n').length))} {...shared} /> : <input {...shared} />}
      {names.length > 0 && (
        <select
          className="lq-input lq-short"
          aria-label={trans.__('Insert an input into: %1', label)}
          value=""
          onChange={event => insert(event.target.value)}
        >
          <option value="">{trans.__('insert…')}</option>
          {names.map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </div>
  );
}
