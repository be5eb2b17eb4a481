import { useEffect, useRef, useState } from 'react';
import type { Way, Ways } from '../../state/copyAs';
import { itemAfterKey } from '../../state/keys';
import { Icon } from './icons';
import { useTrans } from './trans';

interface Props {
  ways: Ways;
  /** Copies a text; `failed` tells why there is none. */
  onCopy: (text: string | Promise<string>) => void;
}

const ORDER: readonly Way[] = ['magic', 'command', 'yaml', 'python'];
const UPDOWN = { back: 'ArrowUp', on: 'ArrowDown' };

/** A small menu: the same as a magic line, a command, a file, Python (WAI-ARIA menu button pattern). */
export function CopyAs({ ways, onCopy }: Props) {
  const trans = useTrans();
  const root = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const names: { [way in Way]: string } = {
    magic: trans.__('Magic line'),
    command: trans.__('Command'),
    yaml: trans.__('YAML'),
    python: trans.__('Python')
  };
  const items = () => [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
  useEffect(() => {
    if (open) {
      root.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus();
    }
  }, [open]);
  const close = () => {
    setOpen(false);
    root.current?.querySelector('button')?.focus();
  };
  return (
    <div
      ref={root}
      className="lq-copy-as"
      onBlur={event => {
        if (!event.currentTarget.contains(event.relatedTarget)) {
          setOpen(false);
        }
      }}
      onKeyDown={event => {
        const next = itemAfterKey(items(), event.target as HTMLElement, event.key, UPDOWN);
        if (event.key === 'Escape' && open) {
          event.stopPropagation();
          close();
        } else if (event.key === 'ArrowDown' && !open) {
          event.preventDefault();
          setOpen(true);
        } else if (open && next) {
          event.preventDefault();
          next.focus();
        }
      }}
    >
      <button
        type="button"
        className="lq-button lq-plain"
        aria-haspopup="menu"
        aria-expanded={open}
        title={trans.__('The same as a line of a notebook, a command, a file or Python')}
        onClick={() => setOpen(!open)}
      >
        <Icon name="copy" />
        <span>{trans.__('Copy as…')}</span>
      </button>
      {open && (
        <div className="lq-menu" role="menu" aria-label={trans.__('Copy as')}>
          {ORDER.flatMap(way => {
            const text = ways[way];
            return text
              ? [
                  <button
                    key={way}
                    type="button"
                    role="menuitem"
                    tabIndex={-1}
                    onClick={() => {
                      close();
                      onCopy(text());
                    }}
                  >
                    {names[way]}
                  </button>
                ]
              : [];
          })}
        </div>
      )}
    </div>
  );
}
