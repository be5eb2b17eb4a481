import type { Place } from '../../contract';
import { useTrans } from '../elements';

/** Where something was seen: a link to the cell, or file and line. */
export function PlaceLink({ place, onCell }: { place: Place | null; onCell: (cell: number) => void }) {
  const trans = useTrans();
  if (!place) {
    return null;
  }
  const cell = place.cell;
  if (cell === null) {
    return <span className="lq-hint lq-place">{`${place.file}:${place.line}`}</span>;
  }
  return (
    <button
      type="button"
      className="lq-button lq-link lq-place"
      title={trans.__('Go to cell %1, line %2', cell + 1, place.line)}
      onClick={() => onCell(cell)}
    >
      {trans.__('cell %1', cell + 1)}
    </button>
  );
}
