import { useState } from 'react';
import { countLines, diffLines, type Line } from '../../state/diff';
import { Button, useTrans } from '../elements';

/** More lines than this are drawn only when they are asked for. */
const LIMIT = 1000;

/** The cells' difference as unified text: signs and elements say what is old and new, colour only helps. */
export function CellsDiff({ text }: { text: string }) {
  const trans = useTrans();
  const [all, setAll] = useState(false);
  const lines = diffLines(text);
  if (lines.length === 0) {
    return null;
  }
  const { added, removed } = countLines(lines);
  const shown = all ? lines : lines.slice(0, LIMIT);
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Cells')}{' '}
        <span className="lq-aside">
          {trans._n('%1 line added', '%1 lines added', added)}, {trans._n('%1 removed', '%1 removed', removed)}
        </span>
      </h3>
      <pre className="lq-log lq-diff" role="group" aria-label={trans.__('Difference of the cells')} tabIndex={0}>
        {shown.map((line, place) => (
          <DiffLine key={place} line={line} />
        ))}
      </pre>
      {shown.length < lines.length && (
        <Button onClick={() => setAll(true)}>{trans.__('Show all %1 lines', lines.length)}</Button>
      )}
    </section>
  );
}

function DiffLine({ line }: { line: Line }) {
  const text = `${line.text}\n`;
  if (line.kind === 'new') {
    return <ins>{text}</ins>;
  }
  if (line.kind === 'old') {
    return <del>{text}</del>;
  }
  return <span className={`lq-diff-${line.kind}`}>{text}</span>;
}
