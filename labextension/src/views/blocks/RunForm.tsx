import { useState, type ReactNode } from 'react';
import type { Block, RunRequest } from '../../contract';
import { formatCpu, formatMemory, parseCpu, parseMemory } from '../../state/resources';
import { initialTexts, readForm } from '../../state/values';
import { AmountFields, Button, Field, InputLabel, useTrans, ValueControl } from '../elements';

interface Props {
  block: Block;
  /** Stands beside the button that starts the run. */
  tools?: ((request: RunRequest) => ReactNode) | undefined;
  onRun: (request: RunRequest) => void;
  onClose: () => void;
}

/** One run of one block: values for its inputs, CPU and memory. */
export function RunForm({ block, tools, onRun, onClose }: Props) {
  const trans = useTrans();
  const { spec } = block;
  const [texts, setTexts] = useState(() => initialTexts(spec.inputs));
  const [cpu, setCpu] = useState(formatCpu(spec.resources.cpu_millicores));
  const [memory, setMemory] = useState(formatMemory(spec.resources.memory_bytes));
  const [asked, setAsked] = useState(false);
  const { values, faults } = readForm(spec.inputs, texts);
  const cpu_millicores = parseCpu(cpu);
  const memory_bytes = parseMemory(memory);
  const reference = `${spec.name}@${block.version}`;
  const request: RunRequest | null =
    Object.keys(faults).length === 0 && cpu_millicores !== null && memory_bytes !== null
      ? { block: reference, inputs: values, resources: { cpu_millicores, memory_bytes }, project: 'default' }
      : null;
  return (
    <form
      className="lq-card-body"
      aria-label={trans.__('Run %1', reference)}
      onSubmit={event => {
        event.preventDefault();
        setAsked(true);
        if (request) {
          onRun(request);
        }
      }}
    >
      {spec.inputs.length === 0 && <p className="lq-hint">{trans.__('It takes no inputs.')}</p>}
      {spec.inputs.map(input => {
        const fault = faults[input.name];
        // A missing value is only a fault once somebody tries to run without it.
        const shown = fault && (asked || (texts[input.name] ?? '') !== '') ? trans.__(fault) : undefined;
        return (
          <Field key={input.name} label={<InputLabel input={input} />} hint={input.description} fault={shown}>
            {ids => (
              <ValueControl
                {...ids}
                input={input}
                text={texts[input.name] ?? ''}
                onText={text => setTexts({ ...texts, [input.name]: text })}
              />
            )}
          </Field>
        );
      })}
      <AmountFields cpu={cpu} memory={memory} onCpu={setCpu} onMemory={setMemory} />
      <div className="lq-actions">
        <button type="submit" className="lq-button lq-primary" disabled={asked && !request}>
          {trans.__('Start run')}
        </button>
        {request && tools?.(request)}
        <Button onClick={onClose}>{trans.__('Close')}</Button>
      </div>
    </form>
  );
}
