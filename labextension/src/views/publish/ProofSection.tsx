import type { Inspection } from '../../contract';
import { proofOf, type Proof, type PublishEdit, type PublishForm } from '../../state/publish';
import { readableDuration } from '../../state/time';
import { useTrans } from '../elements';

interface Props {
  inspection: Inspection;
  form: PublishForm;
  onEdit: (edit: PublishEdit) => void;
}

/** How the finished image is proven, with what analysis proposes and why. */
export function ProofSection({ inspection, form, onEdit }: Props) {
  const trans = useTrans();
  const chosen = proofOf(form, inspection);
  const last = inspection.facts.last_run;
  const ways: { proof: Proof; title: string; about: string }[] = [
    { proof: 'run', title: trans.__('Run it'), about: trans.__('with its default inputs, without network') },
    { proof: 'import', title: trans.__('Imports only'), about: trans.__('every module is imported, no cell is run') },
    { proof: 'none', title: trans.__('No proof'), about: trans.__('it is marked as not proven') }
  ];
  return (
    <fieldset className="lq-section">
      <legend>{trans.__('Proof before it is registered')}</legend>
      <div className="lq-ways">
        {ways.map(({ proof, title, about }) => (
          <label key={proof} className="lq-way">
            <input
              type="radio"
              name="lq-proof"
              value={proof}
              checked={chosen === proof}
              onChange={() => onEdit({ type: 'proof', proof })}
            />
            <span>
              {title} <span className="lq-hint">{about}</span>
            </span>
            {inspection.proof === proof && <span className="lq-chip">{trans.__('proposed')}</span>}
          </label>
        ))}
      </div>
      {inspection.proof_reason && <p className="lq-hint">{trans.__('Proposed because: %1', inspection.proof_reason)}</p>}
      {last && (
        <p className="lq-hint">
          {last.seconds === null
            ? trans._n('Last execution: %1 cell.', 'Last execution: %1 cells.', last.cells)
            : trans._n(
                'Last execution: %1 cell in %2.',
                'Last execution: %1 cells in %2.',
                last.cells,
                readableDuration(last.seconds * 1000)
              )}
          {last.failed !== null && ` ${trans.__('Cell %1 ended with an error.', last.failed + 1)}`}
        </p>
      )}
    </fieldset>
  );
}
