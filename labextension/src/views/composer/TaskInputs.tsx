import { useState } from 'react';
import type { Block, Input, Json, Task, Workflow } from '../../contract';
import { blockOf, canWait, type Edit } from '../../state/composer';
import { formatInput, parseInput, parseReference, reference, shortValue } from '../../state/values';
import { InputLabel, useTrans, ValueControl } from '../elements';

interface Props {
  task: Task;
  block: Block | null;
  blocks: Block[];
  workflow: Workflow;
  onEdit: (edit: Edit) => void;
}

/** Where each input's value comes from: the default, a value of its own, an output of another task. */
export function TaskInputs({ task, block, blocks, workflow, onEdit }: Props) {
  const trans = useTrans();
  if (!block) {
    return <p className="lq-fault">{trans.__('Block %1 is not in the registry.', task.block)}</p>;
  }
  const references = workflow.tasks
    .filter(other => canWait(workflow.tasks, task.name, other.name))
    .flatMap(other => (blockOf(other, blocks)?.spec.outputs ?? []).map(output => ({ task: other.name, output: output.name })));
  const change = (name: string, value: Json | undefined) => {
    const inputs = Object.fromEntries(Object.entries(task.inputs).filter(([one]) => one !== name));
    onEdit({ type: 'inputs', task: task.name, inputs: value === undefined ? inputs : { ...inputs, [name]: value } });
  };
  return (
    <fieldset className="lq-section">
      <legend>{trans.__('Inputs')}</legend>
      {block.spec.inputs.length === 0 && <p className="lq-hint">{trans.__('It takes no inputs.')}</p>}
      {block.spec.inputs.map(input => (
        <InputRow
          key={input.name}
          input={input}
          given={input.name in task.inputs}
          value={task.inputs[input.name]}
          references={references}
          onChange={value => change(input.name, value)}
        />
      ))}
    </fieldset>
  );
}

function firstValue(input: Input): Json {
  return input.secret ? parseInput(input, input.name).value : (input.default ?? ZEROS[input.type]);
}

const ZEROS: { [type in Input['type']]: Json } = { str: '', int: 0, float: 0, bool: false, json: {} };

interface RowProps {
  input: Input;
  given: boolean;
  value: Json | undefined;
  references: { task: string; output: string }[];
  /** undefined: back to the default. */
  onChange: (value: Json | undefined) => void;
}

function InputRow({ input, given, value, references, onChange }: RowProps) {
  const trans = useTrans();
  const [draft, setDraft] = useState<string | null>(null);
  const taken = given ? parseReference(value) : null;
  const source = taken ? reference(taken.task, taken.output) : given ? 'value' : 'default';

  const choose = (next: string) => {
    setDraft(null);
    onChange(next === 'default' ? undefined : next === 'value' ? firstValue(input) : next);
  };
  const write = (text: string) => {
    setDraft(text);
    const parsed = parseInput(input, text);
    if (parsed.fault === null) {
      onChange(parsed.value);
    }
  };
  const parsed = draft === null ? null : parseInput(input, draft);
  const text = draft ?? formatInput(input, value);
  const missing = source === 'default' && input.required && !input.secret;
  const options = taken && !references.some(one => one.task === taken.task && one.output === taken.output)
    ? [taken, ...references]
    : references;
  return (
    <div className="lq-field">
      <span className="lq-label" title={input.description}>
        <InputLabel input={input} />
      </span>
      <select
        className="lq-input"
        aria-label={trans.__('Source of %1', input.name)}
        aria-invalid={missing ? true : undefined}
        value={source}
        onChange={event => choose(event.target.value)}
      >
        <option value="default">
          {input.secret
            ? trans.__('stored secret %1', input.name)
            : input.required
              ? trans.__('not set')
              : trans.__('default: %1', input.default === null ? trans.__('nothing') : shortValue(input.default, 28))}
        </option>
        <option value="value">{input.secret ? trans.__('another stored secret') : trans.__('value')}</option>
        {options.length > 0 && !input.secret && (
          <optgroup label={trans.__('from output of')}>
            {options.map(one => (
              <option key={`${one.task}.${one.output}`} value={reference(one.task, one.output)}>
                {one.task}.{one.output}
              </option>
            ))}
          </optgroup>
        )}
      </select>
      {source === 'value' && (
        <ValueControl
          input={input}
          text={text}
          onText={write}
          aria-label={trans.__('Value of %1', input.name)}
          aria-invalid={parsed?.fault ? true : undefined}
        />
      )}
      {parsed?.fault && <p className="lq-fault">{trans.__(parsed.fault)}</p>}
      {missing && <p className="lq-fault">{trans.__('Needs a value.')}</p>}
    </div>
  );
}
