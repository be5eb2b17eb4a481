import { useId, useState, type ReactNode } from 'react';
import type { Input, Resources } from '../../contract';
import { formatCpu, formatMemory, parseCpu, parseMemory } from '../../state/resources';
import { useTrans } from './trans';

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  fault?: string | undefined;
  /** Gets the ids that tie a control to its label and to what is said about it. */
  children: (ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode;
}

/** A label, one control, and below it a fault or a hint. */
export function Field({ label, hint, fault, children }: FieldProps) {
  const id = useId();
  const about = `${id}-about`;
  const said = fault ?? hint;
  return (
    <div className="lq-field">
      <label htmlFor={id}>{label}</label>
      {children({ id, ...(said ? { 'aria-describedby': about } : {}), ...(fault ? { 'aria-invalid': true } : {}) })}
      {said && (
        <p id={about} className={fault ? 'lq-fault' : 'lq-hint'}>
          {said}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps {
  label: ReactNode;
  value: string;
  onChange: (text: string) => void;
  hint?: ReactNode;
  fault?: string | undefined;
  placeholder?: string;
  list?: string;
  type?: 'text' | 'datetime-local';
}

export function TextField({ label, value, onChange, hint, fault, placeholder, list, type = 'text' }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {ids => (
        <input
          {...ids}
          className="lq-input"
          type={type}
          value={value}
          placeholder={placeholder}
          list={list}
          spellCheck={false}
          autoComplete="off"
          onChange={event => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

interface ControlProps {
  input: Input;
  text: string;
  onText: (text: string) => void;
  id?: string;
  'aria-label'?: string;
  'aria-describedby'?: string;
  'aria-invalid'?: true;
  placeholder?: string;
}

/** The control for the value of one typed input; its text is what `parseValue` reads. */
export function ValueControl({ input, text, onText, placeholder, ...ids }: ControlProps) {
  const trans = useTrans();
  if (input.type === 'bool') {
    return (
      <select {...ids} className="lq-input" value={text} onChange={event => onText(event.target.value)}>
        {text !== 'true' && text !== 'false' && <option value={text}>{trans.__('choose…')}</option>}
        <option value="true">{'true'}</option>
        <option value="false">{'false'}</option>
      </select>
    );
  }
  if (input.type === 'json') {
    return (
      <textarea
        {...ids}
        className="lq-input lq-code"
        rows={text.length > 30 ? 3 : 1}
        value={text}
        placeholder={placeholder}
        spellCheck={false}
        onChange={event => onText(event.target.value)}
      />
    );
  }
  return (
    <input
      {...ids}
      className="lq-input lq-code"
      type="text"
      inputMode={input.type === 'int' ? 'numeric' : input.type === 'float' ? 'decimal' : 'text'}
      value={text}
      placeholder={input.secret ? trans.__('name of a stored secret; %1 if empty', input.name) : placeholder}
      spellCheck={false}
      autoComplete="off"
      onChange={event => onText(event.target.value)}
    />
  );
}

/** The label of an input: its name, its type, whether it must be given. */
export function InputLabel({ input }: { input: Input }) {
  const trans = useTrans();
  return (
    <>
      <span className="lq-code">{input.name}</span>
      <span className="lq-type">
        {input.secret ? trans.__('secret') : input.type}
        {input.required && !input.secret ? `, ${trans.__('required')}` : ''}
      </span>
    </>
  );
}

interface AmountsProps {
  cpu: string;
  memory: string;
  /** What is wrong with both together, where each can be read. */
  fault?: string | undefined;
  onCpu: (text: string) => void;
  onMemory: (text: string) => void;
}

/** CPU and memory, as people write them. */
export function AmountFields({ cpu, memory, fault, onCpu, onMemory }: AmountsProps) {
  const trans = useTrans();
  const cpuFault = parseCpu(cpu) === null ? trans.__('Write cores (2, 0.5) or millicores (500m).') : fault;
  const memoryFault = parseMemory(memory) === null ? trans.__('Write for example 512Mi or 4Gi.') : undefined;
  return (
    <div className="lq-pair">
      <TextField label={trans.__('CPU')} value={cpu} onChange={onCpu} fault={cpuFault} />
      <TextField label={trans.__('Memory')} value={memory} onChange={onMemory} fault={memoryFault} />
    </div>
  );
}

interface ResourcesProps {
  value: Resources;
  onChange: (value: Resources) => void;
  fault?: string | undefined;
}

/** The same for an amount that is stored as a number; what cannot be read yet is kept as text only. */
export function ResourcesField({ value, onChange, fault }: ResourcesProps) {
  const [cpu, setCpu] = useState(formatCpu(value.cpu_millicores));
  const [memory, setMemory] = useState(formatMemory(value.memory_bytes));
  // Changed from outside (another task, a loaded workflow): show that instead.
  if (parseCpu(cpu) !== null && parseCpu(cpu) !== value.cpu_millicores) {
    setCpu(formatCpu(value.cpu_millicores));
  }
  if (parseMemory(memory) !== null && parseMemory(memory) !== value.memory_bytes) {
    setMemory(formatMemory(value.memory_bytes));
  }
  const changeCpu = (text: string) => {
    setCpu(text);
    const cpu_millicores = parseCpu(text);
    if (cpu_millicores !== null) {
      onChange({ ...value, cpu_millicores });
    }
  };
  const changeMemory = (text: string) => {
    setMemory(text);
    const memory_bytes = parseMemory(text);
    if (memory_bytes !== null) {
      onChange({ ...value, memory_bytes });
    }
  };
  return <AmountFields cpu={cpu} memory={memory} fault={fault} onCpu={changeCpu} onMemory={changeMemory} />;
}
