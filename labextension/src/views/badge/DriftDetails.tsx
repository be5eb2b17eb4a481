import type { Drift } from '../../contract';
import type { Remote } from '../../state/remote';
import { CellsDiff, ChangeTable } from '../blocks';
import { Loaded, Skeleton, useTrans } from '../elements';

interface Props {
  /** Without packages. */
  cells: Remote<Drift>;
  /** With them: known a second later, as the kernel is asked. */
  packages: Remote<Drift>;
  onRetry: () => void;
}

/** What differs between a notebook and the block that was made of it. */
export function DriftDetails({ cells, packages, onRetry }: Props) {
  const trans = useTrans();
  return (
    <section className="lq-root lq-drift" aria-label={trans.__('What differs')}>
      <div className="lq-scroll lq-reading">
        <Loaded of={cells} label={trans.__('Comparing cells…')} onRetry={onRetry}>
          {drift =>
            drift.same ? <p className="lq-hint">{trans.__('The cells are the same.')}</p> : <CellsDiff text={drift.cells} />
          }
        </Loaded>
        <Loaded of={packages} label={trans.__('Asking the kernel for its packages…')} onRetry={onRetry}>
          {drift =>
            drift.packages === null ? (
              <Skeleton label={trans.__('Asking the kernel for its packages…')} rows={1} />
            ) : drift.packages.length === 0 ? (
              <p className="lq-hint">{trans.__('The packages are the same.')}</p>
            ) : (
              <ChangeTable label={trans.__('Packages')} changes={drift.packages} />
            )
          }
        </Loaded>
      </div>
    </section>
  );
}
