import { useEffect, useMemo, useRef } from 'react';
import type { TaskRun } from '../../contract';
import { cellsOf, failedCell, type ShownCell, type ShownOutput } from '../../state/executed';
import { isTaskActive } from '../../state/states';
import { Button, Empty, Loaded, useTrans, type Trans } from '../elements';
import type { RunPageProps } from './RunPage';

type Props = Pick<RunPageProps, 'notebook' | 'onNotebook' | 'onRefresh'> & { one: TaskRun; address: string };

/** The executed notebook as text and pictures; whatever is in it is never markup. */
export function ExecutedNotebook({ notebook, one, address, onNotebook, onRefresh }: Props) {
  const trans = useTrans();
  return (
    <Loaded of={notebook} label={trans.__('Fetching the executed notebook…')} onRetry={onRefresh}>
      {document => <Cells document={document} one={one} address={address} onNotebook={onNotebook} />}
    </Loaded>
  );
}

function Cells({ document, one, address, onNotebook }: { document: unknown } & Omit<Props, 'notebook' | 'onRefresh'>) {
  const trans = useTrans();
  const cells = useMemo(() => cellsOf(document), [document]);
  const failed = failedCell(cells);
  const running = isTaskActive(one.state) ? (one.progress?.cell ?? null) : null;
  const looked = useRef<HTMLLIElement>(null);
  const at = failed?.number ?? running;
  useEffect(() => {
    // Newer browsers answer with a promise, which an effect must not return.
    looked.current?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  if (cells.length === 0) {
    return <Empty icon="notebook" title={trans.__('No cell was executed yet')} />;
  }
  return (
    <>
      {onNotebook && (
        <div className="lq-actions">
          <Button icon="notebook" onClick={() => onNotebook(address, failed?.number ?? null)}>
            {failed ? trans.__('Open at the failing cell') : trans.__('Open notebook')}
          </Button>
        </div>
      )}
      <ol className="lq-cells" aria-label={trans.__('Cells of %1', address)}>
        {cells.map(cell => (
          <li
            key={cell.number}
            ref={cell.number === at ? looked : null}
            className={`lq-cell lq-cell-${cell.kind}${cell.failed ? ' lq-cell-failed' : ''}${cell.number === running ? ' lq-cell-running' : ''}`}
            aria-label={cellWords(trans, cell, cell.number === running)}
          >
            <span className="lq-cell-count lq-code" aria-hidden="true">
              {cell.kind === 'code' ? `[${cell.number === running ? '*' : (cell.count ?? ' ')}]` : ''}
            </span>
            <div className="lq-cell-body">
              <pre className="lq-code">{cell.source}</pre>
              {cell.outputs.map((output, number) => (
                <Output key={number} output={output} />
              ))}
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

function cellWords(trans: Trans, cell: ShownCell, running: boolean): string {
  const number = String(cell.number + 1);
  return cell.failed ? trans.__('Cell %1, failed', number) : running ? trans.__('Cell %1, running', number) : trans.__('Cell %1', number);
}

function Output({ output }: { output: ShownOutput }) {
  const trans = useTrans();
  switch (output.kind) {
    case 'text':
      return <pre className={`lq-code lq-output${output.error ? ' lq-output-error' : ''}`}>{output.text}</pre>;
    case 'image':
      return <img className="lq-output" src={output.source} alt={output.alt || trans.__('A picture')} />;
    case 'other':
      return <p className="lq-hint lq-output">{trans.__('Shown by the notebook only: %1', output.types.join(', '))}</p>;
  }
}
