import type { ReactNode } from 'react';
import { Icon, type IconName } from './icons';

interface ButtonProps {
  children: ReactNode;
  onClick: () => void;
  kind?: 'primary' | 'plain' | 'danger' | 'link';
  icon?: IconName;
  disabled?: boolean;
  title?: string;
}

export function Button({ children, onClick, kind = 'plain', icon, disabled = false, title }: ButtonProps) {
  return (
    <button type="button" className={`lq-button lq-${kind}`} onClick={onClick} disabled={disabled} title={title}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

interface IconButtonProps {
  icon: IconName;
  /** What it does, for those who hear it and on hovering. */
  label: string;
  onClick: () => void;
  disabled?: boolean;
  pressed?: boolean;
}

export function IconButton({ icon, label, onClick, disabled = false, pressed }: IconButtonProps) {
  return (
    <button
      type="button"
      className="lq-icon-button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
      disabled={disabled}
    >
      <Icon name={icon} />
    </button>
  );
}
