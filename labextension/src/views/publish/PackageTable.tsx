import { Fragment, memo, useEffect, useRef, useState } from 'react';
import type { Failure } from '../../client/failure';
import type { PackageRow } from '../../state/packages';
import type { PublishEdit } from '../../state/publish';
import { canonical, pinLine } from '../../state/requirements';
import { FailureBox, Icon, IconButton, useTrans } from '../elements';
import { WitnessChip } from './Chip';

const KERNEL = 'ipykernel';

interface Props {
  label: string;
  rows: PackageRow[];
  /** What the resolver says against the row of that key. */
  failure: Failure | null;
  failing: string;
  onEdit: (edit: PublishEdit) => void;
  onRead: () => void;
}

/** Packages with version, witness, and what can be done to each. */
export function PackageTable({ label, rows, failure, failing, onEdit, onRead }: Props) {
  const trans = useTrans();
  return (
    <table className="lq-table lq-packages" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Package')}</th>
          <th scope="col">{trans.__('Version')}</th>
          <th scope="col">{trans.__('Who says so, and why')}</th>
          <th scope="col" className="lq-narrow">
            <span className="lq-hidden">{trans.__('Change')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <Fragment key={row.key}>
            <Row row={row} onEdit={onEdit} />
            {failure && failing === row.key && (
              <tr>
                <td colSpan={4}>
                  <FailureBox failure={failure} onRetry={onRead} />
                </td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  row: PackageRow;
  onEdit: (edit: PublishEdit) => void;
}

// Rows are made anew at each keystroke of the form; hundreds of equal ones need not be drawn again.
const Row = memo(DrawnRow, (one, other) => one.onEdit === other.onEdit && sameRow(one.row, other.row));

function sameRow(one: PackageRow, other: PackageRow): boolean {
  return (Object.keys(one) as (keyof PackageRow)[]).every(key => one[key] === other[key]);
}

function DrawnRow({ row, onEdit }: RowProps) {
  const trans = useTrans();
  const removed = row.state === 'removed';
  return (
    <tr className={`lq-package-${row.state}`}>
      <th scope="row" className={`lq-code${removed ? ' lq-removed' : ''}`}>
        {row.name}
      </th>
      <td className="lq-version-cell">
        {removed ? <span className="lq-code lq-removed">{row.version}</span> : <VersionField row={row} onEdit={onEdit} />}
      </td>
      <td>
        {removed ? (
          <span className="lq-hint">{row.neededBy ? trans.__('left out, but %1', row.neededBy) : trans.__('left out')}</span>
        ) : (
          <Why row={row} />
        )}
        {!removed && row.fault && <p className="lq-fault">{row.fault}</p>}
      </td>
      <td className="lq-narrow">
        <Actions row={row} onEdit={onEdit} />
      </td>
    </tr>
  );
}

function Why({ row }: { row: PackageRow }) {
  const trans = useTrans();
  if (row.was) {
    return (
      <>
        <WitnessChip witness="user" />{' '}
        <span className="lq-hint">{trans.__('was %1 (%2): %3', row.was.version, row.was.witness, row.was.why)}</span>
      </>
    );
  }
  const asked = row.line === row.name ? '' : row.line;
  const why = row.module !== null ? trans.__('for the import of %1', row.module) : row.state === 'added' ? asked : row.why;
  return (
    <>
      <WitnessChip witness={row.witness} /> <span className="lq-hint">{why}</span>
      {row.url && <span className="lq-hint lq-url">{trans.__('from %1', row.url)}</span>}
    </>
  );
}

/** The version as a button; pressed, a field that holds the package to another one. */
function VersionField({ row, onEdit }: RowProps) {
  const trans = useTrans();
  const [text, setText] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const editing = text !== null;
  const wasEditing = useRef(false);
  useEffect(() => {
    if (editing) {
      field.current?.select();
    } else if (wasEditing.current) {
      button.current?.focus();
    }
    wasEditing.current = editing;
  }, [editing]);
  if (row.version === '' && row.state === 'added') {
    return <span className="lq-hint">{row.fault ? trans.__('none') : '…'}</span>;
  }
  if (text === null) {
    return (
      <button
        ref={button}
        type="button"
        className="lq-button lq-pin lq-code"
        disabled={row.state === 'added'}
        aria-label={trans.__('Version of %1: %2', row.name, row.version || trans.__('not resolved'))}
        title={row.state === 'added' ? undefined : trans.__('Take another version of %1', row.name)}
        onClick={() => setText(row.version)}
      >
        <span>{row.version || '…'}</span>
        {row.state !== 'added' && <Icon name={row.was ? 'pin' : 'edit'} />}
      </button>
    );
  }
  const line = pinLine(row.name, text);
  const finish = () => {
    setText(null);
    if (line !== null && text !== row.version) {
      const { name, version, why, url } = row;
      const witness = row.witness as 'kernel';
      onEdit({ type: 'pin', line, was: row.was ?? { name, version, witness, why, url, hashes: [] } });
    }
  };
  return (
    <input
      ref={field}
      className="lq-input lq-code"
      aria-label={trans.__('New version of %1', row.name)}
      aria-invalid={line === null ? true : undefined}
      title={trans.__('As in 2.1 or >=2,<3. Enter takes it, Escape leaves it.')}
      value={text}
      spellCheck={false}
      autoComplete="off"
      autoFocus
      onChange={event => setText(event.target.value)}
      onBlur={() => (line === null ? setText(null) : finish())}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          event.preventDefault();
          if (line !== null) {
            finish();
          }
        } else if (event.key === 'Escape') {
          event.stopPropagation();
          setText(null);
        }
      }}
    />
  );
}

function Actions({ row, onEdit }: RowProps) {
  const trans = useTrans();
  const { name, line, module } = row;
  if (row.state === 'removed') {
    return <IconButton icon="undo" label={trans.__('Take %1 back in', name)} onClick={() => onEdit({ type: 'restore', name })} />;
  }
  if (row.state === 'added' && line !== null) {
    const edit: PublishEdit = module === null ? { type: 'drop-requirement', line } : { type: 'drop-answer', module };
    return <IconButton icon="undo" label={trans.__('Do not add %1', line)} onClick={() => onEdit(edit)} />;
  }
  if (row.was) {
    return (
      <IconButton
        icon="undo"
        label={trans.__('Go back to %1 %2', name, row.was.version)}
        onClick={() => onEdit({ type: 'unpin', name: canonical(name) })}
      />
    );
  }
  // What others need cannot be left out, nor can what runs the notebook.
  if (row.witness === 'dependency' || name === KERNEL) {
    return null;
  }
  const { version, why, url } = row;
  const witness = row.witness as 'kernel';
  return (
    <IconButton
      icon="close"
      label={trans.__('Leave out %1', name)}
      onClick={() => onEdit({ type: 'remove', name, was: { name, version, witness, why, url, hashes: [] } })}
    />
  );
}
