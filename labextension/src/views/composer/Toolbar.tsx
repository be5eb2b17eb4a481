import { IconButton, useTrans } from '../elements';
import { useRef, type KeyboardEvent } from 'react';

interface Props {
  /** How many tasks and links are chosen. */
  tasks: number;
  links: number;
  linking: boolean;
  /** Whether tasks stand where people put them. */
  moved: boolean;
  /** What happened last, for those who see and those who hear it. */
  said: string;
  onCopy: () => void;
  onCut: () => void;
  onPaste: () => void;
  onDuplicate: () => void;
  onRemove: () => void;
  onLinking: () => void;
  onArrange: () => void;
}

/** What can be done with what is chosen in the graph; arrow keys go along it (WAI-ARIA toolbar pattern). */
export function Toolbar(props: Props) {
  const trans = useTrans();
  const bar = useRef<HTMLDivElement>(null);
  const { tasks, links, linking, moved, said } = props;
  const none = tasks === 0;
  const along = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const buttons = [...(bar.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? [])];
    const at = buttons.findIndex(button => button === event.target);
    if (step !== 0 && at >= 0) {
      event.preventDefault();
      buttons[(at + step + buttons.length) % buttons.length]?.focus();
    }
  };
  return (
    <div className="lq-toolbar" role="toolbar" aria-label={trans.__('Chosen tasks')} ref={bar} onKeyDown={along}>
      <IconButton icon="copy" label={trans.__('Copy (Ctrl+C)')} disabled={none} onClick={props.onCopy} />
      <IconButton icon="cut" label={trans.__('Cut (Ctrl+X)')} disabled={none} onClick={props.onCut} />
      <IconButton icon="paste" label={trans.__('Paste (Ctrl+V)')} onClick={props.onPaste} />
      <IconButton icon="duplicate" label={trans.__('Duplicate (Ctrl+D)')} disabled={none} onClick={props.onDuplicate} />
      <IconButton icon="trash" label={trans.__('Remove (Delete)')} disabled={none && links === 0} onClick={props.onRemove} />
      <span className="lq-divider" aria-hidden="true" />
      <IconButton
        icon="link"
        label={linking ? trans.__('Stop linking (Escape)') : trans.__('Link to a task that waits (C)')}
        pressed={linking}
        disabled={tasks !== 1 && !linking}
        onClick={props.onLinking}
      />
      <IconButton icon="arrange" label={trans.__('Arrange all')} disabled={!moved} onClick={props.onArrange} />
      <span className="lq-said lq-grow" role="status" aria-label={trans.__('What happened')}>
        {said}
      </span>
      {tasks + links > 1 && (
        <span className="lq-quiet lq-nowrap">
          {tasks > 0 ? trans._n('%1 task chosen', '%1 tasks chosen', tasks) : trans._n('%1 link chosen', '%1 links chosen', links)}
        </span>
      )}
    </div>
  );
}
