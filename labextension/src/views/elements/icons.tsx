import type { ReactNode } from 'react';
import type { TaskState } from '../../contract';
import type { StepState } from '../../state/progress';
import { toneOf, type Tone } from '../../state/states';

/** Shapes on a 16 by 16 grid, drawn with the current text colour. */
const SHAPES = {
  add: <path d="M8 3v10M3 8h10" />,
  arrange: <path d="M2 2.5h4.5v4H2zM9.5 2.5H14v4H9.5zM9.5 9.5H14v4H9.5zM6.5 4.5h3M8 4.5v7h1.5" />,
  arrow: <path d="M3 8h9M8.5 4.5 12 8l-3.5 3.5" />,
  block: <path d="m8 1.8 5.5 3v6.4L8 14.2l-5.5-3V4.8zM2.7 4.9 8 7.8l5.3-2.9M8 7.8V14" />,
  chevron: <path d="m6 4 4 4-4 4" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  compare: <path d="M6 2.5v11H2.5v-11zM13.5 2.5v11H10v-11zM8 1v14" />,
  copy: <path d="M5.5 5.5h7v8h-7zM3.5 10.5v-8h7" />,
  cut: <path d="M4.5 9.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM11.5 9.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM5.6 9.9 11 2.5M10.4 9.9 5 2.5" />,
  duplicate: <path d="M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1M9.5 7.5v4M7.5 9.5h4" />,
  edit: <path d="M3 13h2.5l7-7L10 3.5l-7 7zM9 4.5 11.5 7" />,
  file: <path d="M4 2h5l3 3v9H4zM9 2v3h3" />,
  image: <path d="M2 4.5h12v8H2zM5 4.5v8M8 4.5v8M11 4.5v8" />,
  info: <path d="M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 7.5V11M8 5v.2" />,
  link: <path d="M2 5.5h4v5H2zM10 5.5h4v5h-4zM6 8h4" />,
  log: <path d="M3 4h10M3 8h10M3 12h6" />,
  notebook: <path d="M4 2h9v12H4zM4 5H2.5M4 8H2.5M4 11H2.5M6.5 5.5h4" />,
  paste: <path d="M5.5 3H3v11h10V3h-2.5M5.5 2h5v2.5h-5zM5.5 8h5M5.5 10.5h5" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  pin: <path d="M6 2.5h4M6.5 2.5 6 7 4 9.5h8L10 7l-.5-4.5M8 9.5V14" />,
  play: <path d="m5 3 8 5-8 5z" />,
  redo: <path d="M9.8 3.5 13 6.7 9.8 9.9M12.8 6.7h-6a3.3 3.3 0 0 0 0 6.6h2.7" />,
  refresh: <path d="M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3" />,
  resume: <path d="M4 3.5v9M7 3.5l6 4.5-6 4.5z" />,
  search: <path d="M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM10 10l3.5 3.5" />,
  stop: <path d="M4 4h8v8H4z" />,
  undo: <path d="M6.2 3.5 3 6.7l3.2 3.2M3.2 6.7h6a3.3 3.3 0 0 1 0 6.6H6.5" />,
  warning: <path d="M8 2.2 14 13H2zM8 6.3v3.2M8 11.2v.2" />,
  swap: <path d="M4 5.5h9M10.5 3 13 5.5 10.5 8M12 10.5H3M5.5 8 3 10.5 5.5 13" />,
  trash: <path d="M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" />
} satisfies { [name: string]: ReactNode };

export type IconName = keyof typeof SHAPES;

/** A decoration: whoever uses it says in words what it means. */
export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  return <Drawing className={`lq-icon ${className}`}>{SHAPES[name]}</Drawing>;
}

function Drawing({ className, children }: { className: string; children: ReactNode }) {
  return (
    <svg className={className} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const ROUND = <circle cx="8" cy="8" r="6" />;

// The shape alone tells states apart; colour only helps.
const MARKS: { [mark in TaskState]: ReactNode } = {
  WAITING: <circle cx="8" cy="8" r="6" strokeDasharray="2.4 2.3" />,
  PENDING: (
    <>
      {ROUND}
      <path d="M8 4.5V8l2.5 1.5" />
    </>
  ),
  STARTING: <path d="M8 2a6 6 0 0 1 6 6" />,
  RUNNING: <path d="M8 2a6 6 0 1 1-6 6" />,
  SUCCEEDED: (
    <>
      {ROUND}
      <path d="m5 8.2 2.1 2.1L11 6.2" />
    </>
  ),
  FAILED: (
    <>
      {ROUND}
      <path d="m5.7 5.7 4.6 4.6M10.3 5.7l-4.6 4.6" />
    </>
  ),
  LOST: (
    <>
      {ROUND}
      <path d="M6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.2M8 11v.4" />
    </>
  ),
  CANCELLED: (
    <>
      {ROUND}
      <path d="m4 12 8-8" />
    </>
  ),
  SKIPPED: <path d="m3 4 4 4-4 4M8 4l4 4-4 4M13.5 4v8" />
};

/** The mark of a run's or task's state. The word stands beside it, or is given as `label`. */
export function StateMark({ state, label }: { state: TaskState; label?: string }) {
  return <Mark mark={state} tone={toneOf(state)} label={label} />;
}

const STEP_MARKS: { [state in StepState]: TaskState } = {
  pending: 'WAITING',
  active: 'RUNNING',
  done: 'SUCCEEDED',
  skipped: 'SKIPPED',
  failed: 'FAILED',
  cancelled: 'CANCELLED'
};

export function StepMark({ state, label }: { state: StepState; label: string }) {
  const mark = STEP_MARKS[state];
  return <Mark mark={mark} tone={toneOf(mark)} label={label} />;
}

export function Mark({ mark, tone, label }: { mark: TaskState; tone: Tone; label?: string }) {
  const turning = mark === 'RUNNING' || mark === 'STARTING' ? ' lq-turning' : '';
  return (
    <span className={`lq-mark lq-tone-${tone}`} {...(label ? { role: 'img', 'aria-label': label, title: label } : {})}>
      <Drawing className={`lq-icon${turning}`}>{MARKS[mark]}</Drawing>
    </span>
  );
}
