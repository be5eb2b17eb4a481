import type { DataNeed, Inspection, SecretFact } from '../../contract';
import { isConvertible, isInFile, type PublishEdit, type PublishForm } from '../../state/publish';
import { useTrans, type Trans } from '../elements';
import { PlaceLink } from './PlaceLink';

/** Data and models that no block holds, because the code fetches them. */
export function DataSection({ data, onCell }: { data: DataNeed[]; onCell: (cell: number) => void }) {
  const trans = useTrans();
  if (data.length === 0) {
    return null;
  }
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Fetched when it runs')} <span className="lq-count">{data.length}</span>
      </h3>
      <table className="lq-table" aria-label={trans.__('Fetched when it runs')}>
        <thead>
          <tr>
            <th scope="col">{trans.__('What')}</th>
            <th scope="col">{trans.__('Kind')}</th>
            <th scope="col">{trans.__('By')}</th>
          </tr>
        </thead>
        <tbody>
          {data.map((need, number) => (
            <tr key={number}>
              <th scope="row" className="lq-code">
                {need.name}
              </th>
              <td className="lq-hint">{need.kind}</td>
              <td>
                <span className="lq-code">{need.because}</span> <PlaceLink place={need.place} onCell={onCell} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface SecretsProps {
  inspection: Inspection;
  form: PublishForm;
  onEdit: (edit: PublishEdit) => void;
  onCell: (cell: number) => void;
}

/** Secrets stay out of the image; one in a cell can become an input that is given at each run. */
export function SecretsSection({ inspection, form, onEdit, onCell }: SecretsProps) {
  const trans = useTrans();
  const { secrets } = inspection.facts;
  if (secrets.length === 0) {
    return null;
  }
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Secrets')} <span className="lq-count">{secrets.length}</span>
        <span className="lq-aside">{trans.__('none goes into the image')}</span>
      </h3>
      <ul className="lq-secrets" aria-label={trans.__('Secrets')}>
        {secrets.map((secret, number) => (
          <li key={number} className="lq-secret">
            <span>
              {secret.kind} <PlaceLink place={secret.place} onCell={onCell} />
            </span>
            {isConvertible(secret) ? (
              <label className="lq-check">
                <input
                  type="checkbox"
                  checked={form.secrets.includes(secret.name)}
                  onChange={event => onEdit({ type: 'secret', name: secret.name, on: event.target.checked })}
                />
                <span>
                  {trans.__('make it the secret input')} <span className="lq-code">{secret.name}</span>
                </span>
              </label>
            ) : isInFile(secret) ? (
              <label className="lq-check">
                <input
                  type="checkbox"
                  checked={form.files[secret.place.file] === false}
                  onChange={event => onEdit({ type: 'file', path: secret.place.file, keep: !event.target.checked })}
                />
                <span>
                  {trans.__('leave out')} <span className="lq-code">{secret.place.file}</span>
                </span>
              </label>
            ) : (
              <span className="lq-hint">{fate(secret, trans)}</span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function fate(secret: SecretFact, trans: Trans): string {
  switch (secret.source) {
    case 'output':
      return trans.__('in an output: outputs do not go in');
    case 'environment':
      return secret.name
        ? trans.__('read from the environment: give it as the secret input %1', secret.name)
        : trans.__('read from the environment when it runs');
    default:
      return trans.__('take it out of the notebook');
  }
}
