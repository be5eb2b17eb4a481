import { useId, useState } from 'react';
import type { Block, Input, Json, Task, Workflow } from '../../contract';
import { blockOf, type Edit } from '../../state/composer';
import { faultAt, type FoundFault } from '../../state/faults';
import { canWait } from '../../state/links';
import { formatInput, parseInput, parseReference, reference, shortValue } from '../../state/values';
import { Button, InputLabel, useTrans, ValueControl } from '../elements';

interface Props {
  task: Task;
  block: Block | null;
  blocks: Block[];
  workflow: Workflow;
  /** Of this task. */
  faults: readonly FoundFault[];
  onEdit: (edit: Edit) => void;
}

/** Where each input's value comes from: the default, a value of its own, an output of another task. */
export function TaskInputs({ task, block, blocks, workflow, faults, onEdit }: Props) {
  const trans = useTrans();
  if (!block) {
    return <p className="lq-hint">{trans.__('Its inputs are not known.')}</p>;
  }
  const references = workflow.tasks
    .filter(other => canWait(workflow.tasks, task.name, other.name))
    .flatMap(other => (blockOf(other, blocks)?.spec.outputs ?? []).map(output => ({ task: other.name, output: output.name })));
  const change = (name: string, value: Json | undefined) => {
    const inputs = Object.fromEntries(Object.entries(task.inputs).filter(([one]) => one !== name));
    onEdit({ type: 'inputs', task: task.name, inputs: value === undefined ? inputs : { ...inputs, [name]: value } });
  };
  const unknown = Object.keys(task.inputs).filter(name => !block.spec.inputs.some(input => input.name === name));
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
          fault={faultAt(faults, `inputs.${input.name}`)}
          onChange={value => change(input.name, value)}
        />
      ))}
      {unknown.map(name => (
        <div key={name} className="lq-field" data-field={`inputs.${name}`}>
          <span className="lq-label lq-code">{name}</span>
          <span className="lq-code lq-quiet">{shortValue(task.inputs[name] ?? null)}</span>
          <p className="lq-fault">{faultAt(faults, `inputs.${name}`) ?? trans.__('The block has no such input.')}</p>
          <Button kind="link" onClick={() => change(name, undefined)}>
            {trans.__('Remove value of %1', name)}
          </Button>
        </div>
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
  /** What the service says of it. */
  fault: string | undefined;
  /** undefined: back to the default. */
  onChange: (value: Json | undefined) => void;
}

function InputRow({ input, given, value, references, fault: told, onChange }: RowProps) {
  const trans = useTrans();
  const about = useId();
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
  const fault = parsed?.fault ? trans.__(parsed.fault) : (told ?? (missing ? trans.__('Needs a value.') : undefined));
  const ids = fault === undefined ? {} : ({ 'aria-invalid': true, 'aria-describedby': about } as const);
  const options = taken && !references.some(one => one.task === taken.task && one.output === taken.output)
    ? [taken, ...references]
    : references;
  return (
    <div className="lq-field" data-field={`inputs.${input.name}`}>
      <span className="lq-label" title={input.description}>
        <InputLabel input={input} />
      </span>
      <select
        className="lq-input"
        aria-label={trans.__('Source of %1', input.name)}
        {...(source === 'value' ? {} : ids)}
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
          {...ids}
        />
      )}
      {fault && (
        <p id={about} className="lq-fault">
          {fault}
        </p>
      )}
    </div>
  );
}
