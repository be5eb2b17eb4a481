import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { BlockUse } from '../../contract';
import { Button, TextField, useTrans } from '../elements';
import type { PartProps } from './BlockPage';
import { RunForm } from './RunForm';

/** What is asked before something is done, below the buttons. Escape leaves it; the focus goes back to the buttons. */
export function Questions({ back, ...props }: PartProps & { back: () => HTMLElement | null }) {
  const { block, state, dispatch } = props;
  const trans = useTrans();
  const box = useRef<HTMLDivElement>(null);
  const opener = useRef<Element | null>(null);
  const { asking } = state;
  useEffect(() => {
    if (asking !== null) {
      opener.current ??= document.activeElement;
      box.current?.querySelector<HTMLElement>('input, textarea, select, button')?.focus();
    } else if (opener.current !== null) {
      const opened = opener.current;
      opener.current = null;
      // The button may be gone, or another by now.
      const target = opened.isConnected && back()?.contains(opened) ? (opened as HTMLElement) : back()?.querySelector('button');
      target?.focus();
    }
  }, [asking, back]);
  if (asking === null) {
    return null;
  }
  const close = () => dispatch({ type: 'ask', question: null });
  return (
    <div
      ref={box}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          close();
        }
      }}
    >
      {asking === 'run' && (
        <div className="lq-question">
          <RunForm key={block.digest} block={block} tools={props.runTools} onRun={props.onRun} onClose={close} />
        </div>
      )}
      {asking === 'deprecate' && <Deprecate {...props} onClose={close} />}
      {asking === 'remove' && (
        <Question label={trans.__('Remove %1@%2?', block.spec.name, block.version)}>
          <Remove {...props} onClose={close} />
        </Question>
      )}
      {asking === 'remove-used' && (
        <Question label={trans.__('Remove %1@%2 although it is used?', block.spec.name, block.version)}>
          <p>{trans.__('Their next runs will fail. This cannot be undone.')}</p>
          <div className="lq-actions">
            <Button onClick={close}>{trans.__('Keep')}</Button>
            <Button kind="danger" onClick={() => props.onRemove(block, true)} disabled={props.busy}>
              {trans.__('Remove anyway')}
            </Button>
          </div>
        </Question>
      )}
    </div>
  );
}

function Question({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="lq-question lq-confirm" role="alertdialog" aria-label={label}>
      <p className="lq-strong">{label}</p>
      {children}
    </div>
  );
}

function Deprecate({ block, busy, onDeprecate, onClose }: PartProps & { onClose: () => void }) {
  const trans = useTrans();
  const [reason, setReason] = useState('');
  return (
    <form
      className="lq-question"
      aria-label={trans.__('Deprecate %1@%2', block.spec.name, block.version)}
      onSubmit={event => {
        event.preventDefault();
        if (reason.trim() !== '') {
          onDeprecate(block, reason.trim());
        }
      }}
    >
      <TextField
        label={trans.__('Why should %1@%2 not be used any more?', block.spec.name, block.version)}
        value={reason}
        onChange={setReason}
        placeholder={trans.__('For example: use version 4, which reads the new files')}
        hint={trans.__('Everyone who sees the block reads this. Runs and workflows go on.')}
      />
      <div className="lq-actions">
        <button type="submit" className="lq-button lq-primary" disabled={busy || reason.trim() === ''}>
          {trans.__('Deprecate')}
        </button>
        <Button onClick={onClose}>{trans.__('Cancel')}</Button>
      </div>
    </form>
  );
}

/** The first question: who uses that version decides whether there is a second. */
function Remove({ block, users, busy, dispatch, onRemove, onClose }: PartProps & { onClose: () => void }) {
  const trans = useTrans();
  const mine = users.value?.filter(use => use.version === block.version) ?? [];
  return (
    <>
      {mine.length > 0 ? (
        <>
          <p>{trans._n('%1 task of a workflow uses it:', '%1 tasks of workflows use it:', mine.length)}</p>
          <UseList uses={mine} />
        </>
      ) : (
        <p>
          {users.value === null
            ? trans.__('Who uses it is not known yet. This cannot be undone.')
            : trans.__('No workflow uses it. This cannot be undone.')}
        </p>
      )}
      <div className="lq-actions">
        <Button onClick={onClose}>{trans.__('Keep')}</Button>
        <Button
          kind="danger"
          disabled={busy}
          onClick={() => (mine.length > 0 ? dispatch({ type: 'ask', question: 'remove-used' }) : onRemove(block, false))}
        >
          {mine.length > 0 ? trans.__('Remove…') : trans.__('Remove')}
        </Button>
      </div>
    </>
  );
}

const FEW = 8;

function UseList({ uses }: { uses: BlockUse[] }) {
  const trans = useTrans();
  return (
    <ul className="lq-faults">
      {uses.slice(0, FEW).map(use => (
        <li key={`${use.project}/${use.workflow}/${use.task}`}>
          {trans.__('%1, task %2', `${use.project}/${use.workflow}`, use.task)}
        </li>
      ))}
      {uses.length > FEW && <li>{trans._n('and %1 more', 'and %1 more', uses.length - FEW)}</li>}
    </ul>
  );
}
