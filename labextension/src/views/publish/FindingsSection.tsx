import type { Finding, Severity } from '../../contract';
import { Icon, useTrans } from '../elements';

interface Props {
  findings: Finding[];
  unresolved: string[];
  onCell: (cell: number) => void;
}

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];
const SIGNS = {
  error: { name: 'close', className: 'lq-tone-bad' },
  warning: { name: 'warning', className: 'lq-tone-wait' },
  info: { name: 'info', className: 'lq-tone-quiet' }
} as const;

/** What the user should know, most serious first; a click leads to the cell. */
export function FindingsSection({ findings, unresolved, onCell }: Props) {
  const trans = useTrans();
  const severities = { error: trans.__('error'), warning: trans.__('warning'), info: trans.__('info') };
  const missing: Finding[] = unresolved.map(module => ({
    severity: 'warning',
    code: 'unresolved',
    message: trans.__('No installed package explains the import of %1. Add its requirement below.', module),
    place: null
  }));
  const sorted = [...findings, ...missing].sort(
    (one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity)
  );
  if (sorted.length === 0) {
    return null;
  }
  return (
    <ul className="lq-findings" aria-label={trans.__('Findings')}>
      {sorted.map((finding, number) => (
        <li key={number} className={`lq-finding lq-finding-${finding.severity}`}>
          <span role="img" aria-label={severities[finding.severity]}>
            <Icon {...SIGNS[finding.severity]} />
          </span>
          <span>{finding.message}</span>
          <PlaceLink finding={finding} onCell={onCell} />
        </li>
      ))}
    </ul>
  );
}

function PlaceLink({ finding, onCell }: { finding: Finding; onCell: (cell: number) => void }) {
  const trans = useTrans();
  const place = finding.place;
  if (!place) {
    return null;
  }
  const cell = place.cell;
  if (cell === null) {
    return <span className="lq-hint lq-nowrap">{`${place.file}:${place.line}`}</span>;
  }
  return (
    <button type="button" className="lq-button lq-link" onClick={() => onCell(cell)}>
      {trans.__('cell %1, line %2', cell + 1, place.line)}
    </button>
  );
}
