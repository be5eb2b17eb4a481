import { useId } from 'react';
import type { Block, BlockDiff } from '../../contract';
import { comparedVersion } from '../../state/blockPage';
import { isSame } from '../../state/diff';
import { readableBytes } from '../../state/resources';
import { Empty, IconButton, Loaded, useTrans } from '../elements';
import type { PartProps } from './BlockPage';
import { CellsDiff } from './CellsDiff';
import { ChangeTable } from './ChangeTable';

/** What differs between two versions. */
export function CompareTab(props: PartProps) {
  const { block, all, state, dispatch, diff, onRefresh } = props;
  const trans = useTrans();
  const other = comparedVersion(state, all, block);
  if (!other) {
    return <Empty icon="compare" title={trans.__('There is only this version')} />;
  }
  return (
    <>
      <div className="lq-compare-line" role="group" aria-label={trans.__('Versions to compare')}>
        <Choice
          label={trans.__('Old')}
          all={all}
          version={other.version}
          onChange={version => dispatch({ type: 'compare', version: block.version, other: version })}
        />
        <IconButton
          icon="swap"
          label={trans.__('Swap')}
          onClick={() => dispatch({ type: 'compare', version: other.version, other: block.version })}
        />
        <Choice
          label={trans.__('New')}
          all={all}
          version={block.version}
          onChange={version =>
            dispatch({ type: 'compare', version, other: version === other.version ? block.version : other.version })
          }
        />
      </div>
      <Loaded of={diff} label={trans.__('Comparing…')} onRetry={onRefresh}>
        {found =>
          found && found.old.version === other.version && found.new.version === block.version ? (
            <Differences diff={found} />
          ) : null
        }
      </Loaded>
    </>
  );
}

interface ChoiceProps {
  label: string;
  all: Block[];
  version: string;
  onChange: (version: string) => void;
}

function Choice({ label, all, version, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <span className="lq-choice-line">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="lq-input" value={version} onChange={event => onChange(event.target.value)}>
        {all.map(one => (
          <option key={one.version} value={one.version}>
            @{one.version}
          </option>
        ))}
      </select>
    </span>
  );
}

function Differences({ diff }: { diff: BlockDiff }) {
  const trans = useTrans();
  const same = isSame(diff);
  return (
    <div className="lq-differences">
      {same && (
        <p role="status" className="lq-notice lq-notice-good lq-notice-message">
          {trans.__('Nothing differs: same cells, inputs, outputs, packages, files and settings.')}
        </p>
      )}
      {!same && (
        <p role="status" className="lq-hidden">
          {trans.__('The differences of @%1 and @%2 are shown.', diff.old.version, diff.new.version)}
        </p>
      )}
      {/* Blocks around images have no layers of their own. */}
      {diff.old.size + diff.new.size > 0 && (
        <p>
          <SizeSentence diff={diff} />
        </p>
      )}
      <ChangeTable label={trans.__('Settings')} changes={diff.settings} />
      <ChangeTable label={trans.__('Inputs')} changes={diff.inputs} />
      <ChangeTable label={trans.__('Outputs')} changes={diff.outputs} />
      <ChangeTable label={trans.__('Packages')} changes={diff.packages} />
      <ChangeTable label={trans.__('Files')} changes={diff.files} />
      <CellsDiff text={diff.cells} />
    </div>
  );
}

function SizeSentence({ diff }: { diff: BlockDiff }) {
  const trans = useTrans();
  const { old, new: now, shared_layers: layers, shared_bytes: shared } = diff;
  const size =
    old.size === now.size
      ? trans.__('Both are %1 above their base.', readableBytes(now.size))
      : trans.__(
          'Above its base, the old one is %1, the new one %2 (%3).',
          readableBytes(old.size),
          readableBytes(now.size),
          `${now.size > old.size ? '+' : '−'}${readableBytes(Math.abs(now.size - old.size))}`
        );
  const common =
    layers === 0
      ? trans.__('They share no layer.')
      : trans._n(
          'They share %1 layer with %2: who has one fetches %3 for the other.',
          'They share %1 layers with %2: who has one fetches %3 for the other.',
          layers,
          readableBytes(shared),
          readableBytes(Math.max(0, now.size - shared))
        );
  return (
    <>
      {size} {common}
    </>
  );
}
