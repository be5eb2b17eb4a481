import type { Input, InputType } from '../../contract';
import type { InputRow, PublishEdit } from '../../state/publish';
import { useTrans, ValueControl } from '../elements';

const TYPES: readonly InputType[] = ['str', 'int', 'float', 'bool', 'json'];

interface Props {
  rows: InputRow[];
  /** What secrets in cells become; they are taken back where they were chosen. */
  secrets: Input[];
  faults: { [field: string]: string };
  onEdit: (edit: PublishEdit) => void;
}

/** The detected inputs: type, default, whether a value must be given. */
export function InputsSection({ rows, secrets, faults, onEdit }: Props) {
  const trans = useTrans();
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Inputs')} <span className="lq-count">{rows.length + secrets.length}</span>
      </h3>
      {rows.length + secrets.length === 0 ? (
        <p className="lq-hint">
          {trans.__('None found. Tag a cell “parameters”: each variable it assigns becomes an input.')}
        </p>
      ) : (
        <table className="lq-table lq-inputs" aria-label={trans.__('Inputs')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Name')}</th>
              <th scope="col">{trans.__('Type')}</th>
              <th scope="col">{trans.__('Default')}</th>
              <th scope="col" className="lq-narrow">
                {trans.__('Required')}
              </th>
              <th scope="col" className="lq-narrow">
                {trans.__('Secret')}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <Row key={row.input.name} row={row} fault={faults[`input:${row.input.name}`]} onEdit={onEdit} />
            ))}
            {secrets.map(input => (
              <tr key={`secret ${input.name}`}>
                <th scope="row" className="lq-code">
                  {input.name}
                </th>
                <td className="lq-code">{input.type}</td>
                <td colSpan={3} className="lq-hint">
                  {trans.__('instead of the secret in the notebook: the stored secret %1', input.name)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Row({ row, fault, onEdit }: { row: InputRow; fault: string | undefined; onEdit: Props['onEdit'] }) {
  const trans = useTrans();
  const { input, text } = row;
  const name = input.name;
  return (
    <tr>
      <th scope="row">
        <span className="lq-code">{name}</span>
        {input.description && <span className="lq-hint">{input.description}</span>}
      </th>
      <td className="lq-narrow">
        <select
          className="lq-input"
          aria-label={trans.__('Type of %1', name)}
          value={input.type}
          onChange={event => onEdit({ type: 'input', name, change: { type: event.target.value as InputType } })}
        >
          {TYPES.map(type => (
            <option key={type}>{type}</option>
          ))}
        </select>
      </td>
      <td>
        {input.secret ? (
          <span className="lq-hint">{trans.__('the stored secret %1', name)}</span>
        ) : input.required ? (
          <span className="lq-hint">{trans.__('given at every run')}</span>
        ) : (
          <ValueControl
            input={input}
            text={text}
            onText={changed => onEdit({ type: 'default', name, text: changed })}
            aria-label={trans.__('Default of %1', name)}
            aria-invalid={fault ? true : undefined}
          />
        )}
        {fault && <p className="lq-fault">{trans.__(fault)}</p>}
      </td>
      <td className="lq-narrow">
        <input
          type="checkbox"
          aria-label={trans.__('%1 is required', name)}
          checked={input.required}
          onChange={event => onEdit({ type: 'input', name, change: { required: event.target.checked } })}
        />
      </td>
      <td className="lq-narrow">
        <input
          type="checkbox"
          aria-label={trans.__('%1 is secret', name)}
          checked={input.secret}
          onChange={event => onEdit({ type: 'input', name, change: { secret: event.target.checked } })}
        />
      </td>
    </tr>
  );
}
