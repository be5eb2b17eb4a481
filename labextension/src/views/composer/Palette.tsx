import { useState } from 'react';
import type { Block } from '../../contract';
import { Icon, IconButton, useTrans } from '../elements';
import { dragBlock } from './dragging';

/** Blocks that are listed at most: who has more searches. */
const LISTED = 100;

interface Props {
  blocks: Block[];
  onAdd: (block: Block) => void;
  onRefresh: () => void;
}

/** The blocks to choose from; a click adds one as a task, dragging it to the graph puts it there. */
export function Palette({ blocks, onAdd, onRefresh }: Props) {
  const trans = useTrans();
  const [search, setSearch] = useState('');
  // The newest version of each: `blocks` begins with it.
  const newest = blocks.filter((block, place) => blocks.findIndex(one => one.spec.name === block.spec.name) === place);
  const found = newest.filter(block =>
    `${block.spec.name} ${block.spec.description}`.toLowerCase().includes(search.trim().toLowerCase())
  );
  return (
    <section className="lq-palette" aria-label={trans.__('Blocks to add')}>
      <h3>
        {trans.__('Blocks')} <span className="lq-count">{newest.length}</span>
        <span className="lq-aside">
          <IconButton icon="refresh" label={trans.__('Refresh')} onClick={onRefresh} />
        </span>
      </h3>
      {newest.length > 5 && (
        <input
          className="lq-input"
          type="search"
          aria-label={trans.__('Search blocks')}
          placeholder={trans.__('Search blocks')}
          value={search}
          onChange={event => setSearch(event.target.value)}
        />
      )}
      {newest.length === 0 && (
        <p className="lq-hint">{trans.__('None yet. Publish a notebook as a block, then refresh.')}</p>
      )}
      <ul className="lq-palette-list">
        {found.slice(0, LISTED).map(block => (
          <li key={block.spec.name}>
            <button
              type="button"
              className="lq-palette-block"
              aria-label={trans.__('Add %1@%2, %3→%4', block.spec.name, block.version, block.spec.inputs.length, block.spec.outputs.length)}
              title={block.spec.description || trans.__('Click, or drag to the graph')}
              draggable
              onDragStart={event => dragBlock(event.dataTransfer, block)}
              onClick={() => onAdd(block)}
            >
              <Icon name="add" />
              <span className="lq-title">
                {block.spec.name}
                <span className="lq-version">@{block.version}</span>
              </span>{' '}
              <span className="lq-quiet lq-palette-ports">
                {block.spec.inputs.length}→{block.spec.outputs.length}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && newest.length > 0 && <p className="lq-hint">{trans.__('No block has these words.')}</p>}
      {found.length > LISTED && (
        <p className="lq-hint">{trans._n('%1 more: search for it.', '%1 more: search for them.', found.length - LISTED)}</p>
      )}
    </section>
  );
}
