import { useRef, type ReactNode } from 'react';
import { itemAfterKey } from '../../state/keys';

interface TabsProps<T extends string> {
  /** Begins the ids of tabs and panel, so that two rows of tabs can be told apart. */
  id: string;
  label: string;
  tabs: readonly { tab: T; name: ReactNode }[];
  chosen: T;
  onChoose: (tab: T) => void;
}

/** A row of tabs; arrow keys go round it (WAI-ARIA tabs pattern). */
export function Tabs<T extends string>({ id, label, tabs, chosen, onChoose }: TabsProps<T>) {
  const list = useRef<HTMLDivElement>(null);
  return (
    <div
      role="tablist"
      aria-label={label}
      ref={list}
      onKeyDown={event => {
        const next = itemAfterKey(
          tabs.map(one => one.tab),
          chosen,
          event.key
        );
        if (next) {
          event.preventDefault();
          onChoose(next);
          list.current?.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
        }
      }}
    >
      {tabs.map(({ tab, name }) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`${id}-tab-${tab}`}
          data-tab={tab}
          aria-selected={chosen === tab}
          aria-controls={chosen === tab ? `${id}-panel-${tab}` : undefined}
          tabIndex={chosen === tab ? 0 : -1}
          onClick={() => onChoose(tab)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** The attributes of what a tab shows. */
export function panelOf(id: string, tab: string): { role: 'tabpanel'; id: string; 'aria-labelledby': string } {
  return { role: 'tabpanel', id: `${id}-panel-${tab}`, 'aria-labelledby': `${id}-tab-${tab}` };
}
