import type { ReactNode } from 'react';
import type { Input, Output } from '../../contract';
import { shortValue } from '../../state/values';
import { Button, useTrans } from '../elements';

/** A term and what is said of it, in a list of facts. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** One input on one line: name, type, default. `onFilter` looks for other blocks that take it. */
export function InputLine({ input, onFilter }: { input: Input; onFilter?: () => void }) {
  const trans = useTrans();
  return (
    <>
      {onFilter ? (
        <Button kind="link" title={trans.__('Show the blocks with an input %1', input.name)} onClick={onFilter}>
          <span className="lq-code">{input.name}</span>
        </Button>
      ) : (
        <span className="lq-code">{input.name}</span>
      )}
      <span className="lq-type">{input.secret ? trans.__('secret') : input.type}</span>
      <DefaultOf input={input} />
    </>
  );
}

/** What an input is without a value; `long` where there is room. */
export function DefaultOf({ input, long = false }: { input: Input; long?: boolean }) {
  const trans = useTrans();
  if (input.secret) {
    return <span className="lq-quiet">{trans.__('by reference')}</span>;
  }
  if (input.required) {
    return <span className="lq-quiet">{trans.__('required')}</span>;
  }
  if (input.default === null) {
    return null;
  }
  return (
    <span className="lq-quiet lq-code" title={shortValue(input.default, 400)}>
      {long ? shortValue(input.default, 60) : `= ${shortValue(input.default, 24)}`}
    </span>
  );
}

/** One output on one line, with where a container writes it. */
export function OutputLine({ output }: { output: Output }) {
  return (
    <>
      <span className="lq-code">{output.name}</span>
      {output.source && <OutputSource output={output} />}
    </>
  );
}

export function OutputSource({ output }: { output: Output }) {
  const trans = useTrans();
  if (output.source === 'exit-code') {
    return <span className="lq-quiet">{trans.__('exit code')}</span>;
  }
  return <span className="lq-quiet lq-code">{output.source}</span>;
}
