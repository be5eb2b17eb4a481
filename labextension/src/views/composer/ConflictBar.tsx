import { Button, useTrans } from '../elements';

interface Props {
  /** Who changed it, and when. */
  text: string;
  busy: boolean;
  onReload: () => void;
  onOverwrite: () => void;
}

/** Somebody else saved the workflow in between. Whose counts is the user's to say; undo brings the own one back. */
export function ConflictBar({ text, busy, onReload, onOverwrite }: Props) {
  const trans = useTrans();
  return (
    <div className="lq-conflict" role="alert" aria-label={trans.__('Changed elsewhere')}>
      <p>{text}</p>
      <div className="lq-actions">
        <Button onClick={onReload} disabled={busy} title={trans.__('Shows what is saved; undo brings back what is here')}>
          {trans.__('Reload')}
        </Button>
        <Button onClick={onOverwrite} disabled={busy} title={trans.__('Saves what is here over it')}>
          {trans.__('Overwrite')}
        </Button>
      </div>
    </div>
  );
}
