import { useId } from 'react';
import { Icon, IconButton, useTrans } from '../elements';
import type { SidebarProps } from './Sidebar';

interface Props extends Pick<SidebarProps, 'state' | 'dispatch' | 'onFromImage'> {
  count: number;
  /** Whether the count is the answer to what the field says now. */
  current: boolean;
  /** Whether the answer leaves out anything. */
  narrow: boolean;
}

/** Words and filters to search by, and how many blocks they find. */
export function SearchBar({ count, current, narrow, state, dispatch, onFromImage }: Props) {
  const trans = useTrans();
  const about = useId();
  return (
    <div className="lq-searchbar" role="search" aria-label={trans.__('Blocks')}>
      <div className="lq-search">
        <span className="lq-search-field">
          <Icon name="search" />
          <input
            className="lq-input"
            type="search"
            aria-label={trans.__('Search blocks')}
            aria-describedby={about}
            placeholder={trans.__('Words, owner:…, input:…')}
            value={state.search}
            spellCheck={false}
            autoComplete="off"
            onChange={event => dispatch({ type: 'search', text: event.target.value })}
            onKeyDown={event => {
              if (event.key === 'Escape' && state.search !== '') {
                event.stopPropagation();
                dispatch({ type: 'search', text: '' });
              }
            }}
          />
          {state.search !== '' && (
            <IconButton
              icon="close"
              label={trans.__('Clear search')}
              onClick={() => dispatch({ type: 'search', text: '' })}
            />
          )}
        </span>
        <IconButton icon="add" label={trans.__('Block from an image…')} onClick={onFromImage} />
      </div>
      <span id={about} className="lq-hidden">
        {trans.__('owner: and input: before a name look for an author or an input. Down arrow goes to the list.')}
      </span>
      <div className="lq-search-said">
        <span role="status">
          {!current
            ? trans.__('Searching…')
            : narrow
              ? trans._n('%1 block found', '%1 blocks found', count)
              : trans._n('%1 block', '%1 blocks', count)}
        </span>
        <label className="lq-check">
          <input
            type="checkbox"
            checked={state.deprecated}
            onChange={event => dispatch({ type: 'deprecated', listed: event.target.checked })}
          />
          <span>{trans.__('deprecated too')}</span>
        </label>
      </div>
    </div>
  );
}

