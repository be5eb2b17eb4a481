import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Block } from '../../contract';
import { isNarrow, PAGE, parseSearch, sameQuery, type Found } from '../../state/catalogue';
import { itemAfterKey } from '../../state/keys';
import { readableBytes } from '../../state/resources';
import type { SidebarAction } from '../../state/sidebar';
import { fullTime, relativeTime } from '../../state/time';
import { BaseBadge, DeprecatedBadge, KindIcon, VerdictBadge } from '../blocks';
import { Button, Empty, Icon, Loaded, useNow, useTrans } from '../elements';
import { BlockDetails } from './BlockDetails';
import { SearchBar } from './SearchBar';
import type { SidebarProps } from './Sidebar';

const HEADS = '.lq-card-head';
const UPDOWN = { back: 'ArrowUp', on: 'ArrowDown' };

/** The catalogue: the newest version of every block that is searched for. */
export function BlocksTab(props: SidebarProps) {
  const { blocks, onRefresh, onFromImage } = props;
  const trans = useTrans();
  return (
    <Loaded of={blocks} label={trans.__('Fetching blocks…')} onRetry={onRefresh}>
      {found =>
        found.blocks.length === 0 && !isNarrow(found.query) && props.state.search === '' ? (
          <Empty icon="block" title={trans.__('No blocks yet')}>
            <p>{trans.__('Open a notebook and choose Publish as block in its toolbar, or put one around an image.')}</p>
            <Button icon="add" onClick={onFromImage}>
              {trans.__('Block from an image…')}
            </Button>
          </Empty>
        ) : (
          <Catalogue found={found} {...props} />
        )
      }
    </Loaded>
  );
}

function Catalogue({ found, ...props }: SidebarProps & { found: Found }) {
  const { state, dispatch } = props;
  const trans = useTrans();
  const root = useRef<HTMLDivElement>(null);
  const asked = useMemo(() => parseSearch(state.search, state.deprecated), [state.search, state.deprecated]);
  const current = sameQuery(asked, found.query);
  const [shown, more] = usePages(found, state.block);

  // Arrow keys lead from the field into the list, through it, and back.
  const heads = () => [...(root.current?.querySelectorAll<HTMLElement>(HEADS) ?? [])];
  const field = () => root.current?.querySelector<HTMLElement>('input[type=search]');
  const keyed = (event: KeyboardEvent<HTMLDivElement>) => {
    const target = event.target as HTMLElement;
    const first = heads()[0];
    if (target === field() && first && (event.key === 'ArrowDown' || event.key === 'Enter')) {
      event.preventDefault();
      first.focus();
      if (event.key === 'Enter' && current && first.getAttribute('aria-expanded') === 'false') {
        first.click();
      }
    } else if (target.matches(HEADS)) {
      const next = target === first && event.key === 'ArrowUp' ? field() : itemAfterKey(heads(), target, event.key, UPDOWN);
      if (next) {
        event.preventDefault();
        // At the end of what is drawn, more is drawn before going round to the beginning.
        if (event.key === 'ArrowDown' && next === first) {
          more();
        } else {
          next.focus();
        }
      }
      if (event.key === 'Escape' && state.block === null) {
        field()?.focus();
      }
    }
  };
  return (
    <div ref={root} className="lq-catalogue" onKeyDown={keyed}>
      <SearchBar count={found.blocks.length} current={current} narrow={isNarrow(found.query)} {...props} />
      {found.blocks.length === 0 && current && (
        <Empty icon="search" title={trans.__('No block matches')}>
          <p>{trans.__('Words are looked for in names, descriptions, authors, inputs, outputs and packages.')}</p>
          <Button icon="close" onClick={() => clear(dispatch)}>
            {trans.__('Show all blocks')}
          </Button>
        </Empty>
      )}
      <Rows rows={shown} total={found.blocks.length} stale={!current} {...props} />
      {shown.length < found.blocks.length && <More left={found.blocks.length - shown.length} onMore={more} />}
    </div>
  );
}

function clear(dispatch: (action: SidebarAction) => void): void {
  dispatch({ type: 'search', text: '' });
  dispatch({ type: 'deprecated', listed: true });
}

/** The part of a long list that is drawn, and what draws more of it. The block that is unfolded is always drawn. */
function usePages(found: Found, open: string | null): [Block[], () => void] {
  const [pages, setPages] = useState(1);
  const [of, setOf] = useState(found.query);
  if (!sameQuery(of, found.query)) {
    setOf(found.query);
    setPages(1);
  }
  const place = open === null ? -1 : found.blocks.findIndex(block => block.spec.name === open);
  const count = Math.max(pages * PAGE, place + 1);
  return [found.blocks.slice(0, count), () => setPages(Math.ceil(count / PAGE) + 1)];
}

/** The end of what is drawn: more is drawn when it comes into sight, or on a click. */
function More({ left, onMore }: { left: number; onMore: () => void }) {
  const trans = useTrans();
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  useEffect(() => {
    latest.current = onMore;
  });
  useEffect(() => {
    const watcher = new IntersectionObserver(entries => entries.some(entry => entry.isIntersecting) && latest.current());
    if (box.current) {
      watcher.observe(box.current);
    }
    return () => watcher.disconnect();
  }, [left]);
  return (
    <div ref={box} className="lq-toolbar">
      <Button onClick={onMore}>{trans._n('Show %1 more', 'Show %1 more', left)}</Button>
    </div>
  );
}

interface RowsProps extends SidebarProps {
  rows: Block[];
  total: number;
  /** Whether the list answers an older question. */
  stale: boolean;
}

function Rows({ rows, total, stale, ...props }: RowsProps) {
  const trans = useTrans();
  const now = useNow(true, 30_000);
  return (
    <ul className={`lq-list${stale ? ' lq-stale' : ''}`} aria-label={trans.__('Blocks')} aria-busy={stale}>
      {rows.map((block, place) => {
        const open = props.state.block === block.spec.name;
        return (
          <Row key={block.spec.name} block={block} open={open} place={place + 1} total={total} now={now} dispatch={props.dispatch}>
            {open ? <BlockDetails block={block} {...props} /> : null}
          </Row>
        );
      })}
    </ul>
  );
}

interface RowProps {
  block: Block;
  open: boolean;
  place: number;
  total: number;
  now: number;
  dispatch: (action: SidebarAction) => void;
  children: ReactNode;
}

// A thousand rows are not drawn again for each letter that is typed above them.
const Row = memo(DrawnRow);

function DrawnRow({ block, open, place, total, now, dispatch, children }: RowProps) {
  const trans = useTrans();
  const { spec } = block;
  return (
    <li className={`lq-card${open ? ' lq-open' : ' lq-folded'}`} aria-posinset={place} aria-setsize={total}>
      <button
        type="button"
        className="lq-card-head"
        aria-expanded={open}
        onClick={() => dispatch({ type: 'toggle-block', name: spec.name })}
      >
        <Icon name="chevron" className="lq-chevron" />
        <span className="lq-title">
          {spec.name}
          <span className="lq-version">@{block.version}</span>
        </span>
        <KindIcon block={block} />
        <span className="lq-meta">
          <VerdictBadge block={block} />
          <DeprecatedBadge block={block} />
          <BaseBadge block={block} />
        </span>
        <span className="lq-meta">
          <span>{trans._n('%1 input', '%1 inputs', spec.inputs.length)}</span>
          {block.size > 0 && <span>{readableBytes(block.size)}</span>}
          <span title={fullTime(block.created)}>{relativeTime(block.created, now)}</span>
          {block.author && <span>{block.author}</span>}
        </span>
        {block.deprecated && <span className="lq-meta lq-one-line">{block.deprecated}</span>}
      </button>
      {children}
    </li>
  );
}
