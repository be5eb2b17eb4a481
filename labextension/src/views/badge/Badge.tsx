import type { Standing } from '../../state/badge';
import { Mark, useTrans } from '../elements';

/** How the open notebook stands to its block, in a few words; a click says what differs. */
export function Badge({ standing, onOpen }: { standing: Standing; onOpen: () => void }) {
  const trans = useTrans();
  switch (standing.kind) {
    case 'unknown':
      return null;
    case 'unpublished':
      return <span className="lq-standing lq-standing-quiet">{trans.__('Not published')}</span>;
    case 'same':
      return (
        <button
          type="button"
          className="lq-standing"
          aria-label={trans.__('Same as v%1', standing.version)}
          title={trans.__('Its cells are those of %1@%2', standing.name, standing.version)}
          onClick={onOpen}
        >
          <Mark mark="SUCCEEDED" tone="good" />
          <span className="lq-standing-words">{trans.__('Same as v%1', standing.version)}</span>
        </button>
      );
    case 'differs': {
      const told =
        standing.cells === null
          ? trans.__('Edited since %1@%2; save to see what differs', standing.name, standing.version)
          : trans._n('%1 cell differs', '%1 cells differ', standing.cells);
      return (
        <button
          type="button"
          className="lq-standing"
          aria-label={trans.__('Differs from v%1', standing.version)}
          title={told}
          onClick={onOpen}
        >
          <Mark mark="PENDING" tone="wait" />
          <span className="lq-standing-words">{trans.__('Differs from v%1', standing.version)}</span>
        </button>
      );
    }
  }
}
