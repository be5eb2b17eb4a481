import { useId, useState } from 'react';
import { Button, useTrans } from '../elements';

interface Props {
  label: string;
  placeholder: string;
  action: string;
  /** What is wrong with a text; null if it can be added. */
  check: (text: string) => string | null;
  onAdd: (text: string) => void;
}

/** A field whose text is added by Enter or a button; what is wrong with it is said only then. */
export function AddField({ label, placeholder, action, check, onAdd }: Props) {
  const trans = useTrans();
  const id = useId();
  const [text, setText] = useState('');
  const [tried, setTried] = useState(false);
  const fault = tried && text.trim() !== '' ? check(text.trim()) : null;
  const add = () => {
    setTried(true);
    if (text.trim() !== '' && check(text.trim()) === null) {
      onAdd(text.trim());
      setText('');
      setTried(false);
    }
  };
  return (
    <div>
      <div className="lq-add">
        <input
          className="lq-input lq-code"
          aria-label={label}
          aria-invalid={fault ? true : undefined}
          aria-describedby={fault ? id : undefined}
          placeholder={placeholder}
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={event => setText(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              event.preventDefault();
              add();
            }
          }}
        />
        <Button onClick={add} disabled={text.trim() === ''}>
          {action}
        </Button>
      </div>
      {fault && (
        <p id={id} className="lq-fault" role="alert">
          {trans.__(fault)}
        </p>
      )}
    </div>
  );
}
