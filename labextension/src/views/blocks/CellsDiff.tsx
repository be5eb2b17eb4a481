import { useState } from 'react';
import { countLines, diffLines, headingOf, type Line } from '../../state/diff';
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

/** A heading in words; one that nobody knows stays as it is. */
function useHeading(line: Line): string {
  const trans = useTrans();
  const heading = line.kind === 'head' ? headingOf(line.text) : null;
  if (heading === null) {
    return line.text;
  }
  const { kind, first, last, part } = heading;
  if (kind === 'new') {
    return trans.__('New before cell %1', first);
  }
  if (kind === 'removed') {
    return first === last ? trans.__('Cell %1 removed', first) : trans.__('Cells %1 to %2 removed', first, last);
  }
  if (part === 'metadata/tags' || part.startsWith('metadata/tags/')) {
    return trans.__('Tags of cell %1 changed', first);
  }
  return part === '' || part === 'source' ? trans.__('Cell %1 changed', first) : trans.__('Cell %1 changed: %2', first, part);
}

function DiffLine({ line }: { line: Line }) {
  const head = useHeading(line);
  if (line.kind === 'head') {
    return <strong className="lq-diff-head">{`${head}\n`}</strong>;
  }
  const text = `${line.text}\n`;
  if (line.kind === 'new') {
    return <ins>{text}</ins>;
  }
  if (line.kind === 'old') {
    return <del>{text}</del>;
  }
  return <span className={`lq-diff-${line.kind}`}>{text}</span>;
}
