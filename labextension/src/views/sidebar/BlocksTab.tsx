import type { Block } from '../../contract';
import { readableBytes } from '../../state/resources';
import { verdictTone } from '../../state/states';
import { fullTime, relativeTime } from '../../state/time';
import { Empty, Icon, Loaded, Mark, useNow, useTrans } from '../elements';
import { BlockDetails } from './BlockDetails';
import type { SidebarProps } from './Sidebar';

/** The catalogue: the newest version of every block. */
export function BlocksTab(props: SidebarProps) {
  const { blocks, state, dispatch, onRefresh } = props;
  const trans = useTrans();
  return (
    <Loaded of={blocks} label={trans.__('Fetching blocks…')} onRetry={onRefresh}>
      {all => {
        if (all.length === 0) {
          return (
            <Empty icon="block" title={trans.__('No blocks yet')}>
              <p>{trans.__('Open a notebook and choose Publish as block in its toolbar.')}</p>
            </Empty>
          );
        }
        const found = all.filter(block => matches(block, state.search));
        return (
          <>
            <div className="lq-search">
              <Icon name="search" />
              <input
                className="lq-input"
                type="search"
                aria-label={trans.__('Search blocks')}
                placeholder={trans.__('Search blocks')}
                value={state.search}
                onChange={event => dispatch({ type: 'search', text: event.target.value })}
              />
            </div>
            {found.length === 0 && <p className="lq-nothing">{trans.__('No block is called or described so.')}</p>}
            <ul className="lq-list" aria-label={trans.__('Blocks')}>
              {found.map(block => (
                <BlockRow key={block.spec.name} block={block} {...props} />
              ))}
            </ul>
          </>
        );
      }}
    </Loaded>
  );
}

function matches(block: Block, search: string): boolean {
  const text = `${block.spec.name} ${block.spec.description}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word));
}

function BlockRow({ block, ...props }: SidebarProps & { block: Block }) {
  const trans = useTrans();
  const now = useNow(true, 30_000);
  const { spec } = block;
  const open = props.state.block === spec.name;
  return (
    <li className={`lq-card${open ? ' lq-open' : ''}`}>
      <button
        type="button"
        className="lq-card-head"
        aria-expanded={open}
        onClick={() => props.dispatch({ type: 'toggle-block', name: spec.name })}
      >
        <Icon name="chevron" className="lq-chevron" />
        <span className="lq-title">
          {spec.name}
          <span className="lq-version">@{block.version}</span>
        </span>
        <span className="lq-meta">
          <Verdict block={block} />
          <span>{trans._n('%1 input', '%1 inputs', spec.inputs.length)}</span>
          <span>{readableBytes(block.size)}</span>
          <span title={fullTime(block.created)}>{relativeTime(block.created, now)}</span>
        </span>
      </button>
      {open && <BlockDetails block={block} {...props} />}
    </li>
  );
}

function Verdict({ block }: { block: Block }) {
  const trans = useTrans();
  const verdict = block.verification.verdict;
  const words = {
    'proven by run': trans.__('proven by run'),
    'proven by import': trans.__('proven by import'),
    'not proven': trans.__('not proven')
  };
  const tone = verdictTone(verdict);
  return (
    <span className={`lq-chip lq-tone-${tone}`} title={block.verification.evidence}>
      {tone === 'good' ? <Mark mark="SUCCEEDED" tone={tone} /> : <Icon name="warning" />}
      {words[verdict]}
    </span>
  );
}
