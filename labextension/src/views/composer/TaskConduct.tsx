import { useState } from 'react';
import type { Json, Task } from '../../contract';
import type { Conduct, Edit } from '../../state/composer';
import { faultAt, type FoundFault } from '../../state/faults';
import { formatValue, parseReference } from '../../state/values';
import { Field, TextField, useTrans } from '../elements';

interface Props {
  task: Task;
  /** Of this task. */
  faults: readonly FoundFault[];
  onEdit: (edit: Edit) => void;
}

/** When a task runs after those before it, how often it is tried, whether it runs for a list. */
export function TaskConduct({ task, faults, onEdit }: Props) {
  const trans = useTrans();
  const set = (change: Partial<Conduct>) => onEdit({ type: 'conduct', task: task.name, change });
  const [when, foreach] = [faultAt(faults, 'when'), faultAt(faults, 'foreach')];
  return (
    <details className="lq-details" open={isSpecial(task) || when !== undefined || foreach !== undefined || undefined}>
      <summary>{trans.__('Conditions, retries, list')}</summary>
      <div data-field="when">
        <Field label={trans.__('Runs when the tasks before it')} fault={when}>
          {ids => (
            <select {...ids} className="lq-input" value={task.when} onChange={event => set({ when: event.target.value as Task['when'] })}>
              <option value="on_success">{trans.__('succeeded')}</option>
              <option value="on_failure">{trans.__('failed')}</option>
              <option value="always">{trans.__('ended, however')}</option>
            </select>
          )}
        </Field>
      </div>
      <div className="lq-pair">
        <NumberField label={trans.__('Retries')} value={task.retries} whole onValue={retries => set({ retries: retries ?? 0 })} />
        <NumberField
          label={trans.__('First delay, s')}
          value={task.retry_delay_s}
          onValue={delay => set({ retry_delay_s: delay ?? 0 })}
        />
      </div>
      <div data-field="foreach">
        <ListField task={task} fault={foreach} onList={list => set({ foreach: list })} />
      </div>
      <NumberField
        label={trans.__('Notify when it runs longer than, s')}
        value={task.warn_after_s}
        hint={trans.__('Nothing stops it. Empty: never.')}
        onValue={seconds => set({ warn_after_s: seconds === 0 ? null : seconds })}
      />
      <label className="lq-check">
        <input type="checkbox" checked={task.reuse} onChange={event => set({ reuse: event.target.checked })} />
        <span>{trans.__('Take an earlier result of the same block with the same inputs')}</span>
      </label>
    </details>
  );
}

function isSpecial(task: Task): boolean {
  return task.when !== 'on_success' || task.retries > 0 || task.foreach !== null || task.reuse || task.warn_after_s !== null;
}

interface NumberFieldProps {
  label: string;
  value: number | null;
  onValue: (value: number | null) => void;
  whole?: boolean;
  hint?: string;
}

/** A number of at least zero; an empty field is none. */
function NumberField({ label, value, onValue, whole = false, hint }: NumberFieldProps) {
  const trans = useTrans();
  const [text, setText] = useState(value === null ? '' : String(value));
  const read = (given: string): number | null | undefined => {
    const number = Number(given);
    return given.trim() === '' ? null : Number.isFinite(number) && number >= 0 && (!whole || Number.isInteger(number)) ? number : undefined;
  };
  // Undone, or loaded anew: show that instead.
  const shown = read(text);
  if (shown !== undefined && shown !== value && !(shown === null && value === 0)) {
    setText(value === null ? '' : String(value));
  }
  return (
    <TextField
      label={label}
      value={text}
      hint={hint}
      fault={shown === undefined ? (whole ? trans.__('Write a whole number.') : trans.__('Write a number.')) : undefined}
      onChange={given => {
        setText(given);
        const number = read(given);
        if (number !== undefined) {
          onValue(number);
        }
      }}
    />
  );
}

/** A list, or a reference to an output that is one. */
function ListField({ task, fault, onList }: { task: Task; fault: string | undefined; onList: (list: Json) => void }) {
  const trans = useTrans();
  const [text, setText] = useState(formatValue(task.foreach));
  const parsed = parseList(text);
  if (parsed.fault === null && JSON.stringify(parsed.list) !== JSON.stringify(task.foreach)) {
    setText(formatValue(task.foreach));
  }
  return (
    <TextField
      label={trans.__('Runs once for each of')}
      value={text}
      placeholder='["RO", "DE"]'
      hint={trans.__('A list, or an output that is one: %1. Inputs take an item as %2.', '${{ tasks.a.outputs.b }}', '${{ item }}')}
      fault={parsed.fault === null ? fault : trans.__('Write a list in brackets, or a reference to an output.')}
      onChange={given => {
        setText(given);
        const next = parseList(given);
        if (next.fault === null) {
          onList(next.list);
        }
      }}
    />
  );
}

function parseList(text: string): { list: Json; fault: null } | { list: null; fault: true } {
  if (text.trim() === '') {
    return { list: null, fault: null };
  }
  if (parseReference(text)) {
    return { list: text, fault: null };
  }
  try {
    const list = JSON.parse(text) as Json;
    return Array.isArray(list) ? { list, fault: null } : { list: null, fault: true };
  } catch {
    return { list: null, fault: true };
  }
}
