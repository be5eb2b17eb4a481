import type { Failure } from '../../client/failure';
import type { ReactNode } from 'react';
import type { Block, Inspection, Publish, PublishRequest } from '../../contract';
import type { Changes, PublishEdit, PublishForm } from '../../state/publish';
import { FailureBox, Icon, Skeleton, useTrans } from '../elements';
import { PublishFormView } from './PublishFormView';
import { PublishProgress } from './PublishProgress';

/** Where one publish stands: the notebook is read, the form is filled, the work goes on. */
export type Stage =
  | { kind: 'reading' }
  | { kind: 'unreadable'; failure: Failure }
  | FormStage
  | WorkStage;

export interface FormStage {
  kind: 'form';
  inspection: Inspection;
  form: PublishForm;
  /** The changes of packages that `inspection` knows of. */
  known: Changes;
  /** Whether the packages are being resolved anew. */
  resolving: boolean;
  /** Why the packages of the form cannot be resolved; null if they can. */
  unresolvable: Failure | null;
  sending: boolean;
  failure: Failure | null;
}

export interface WorkStage {
  kind: 'work';
  publish: Publish;
  startedAt: number;
  endedAt: number | null;
  stopping: boolean;
  failure: Failure | null;
  /** The form that was sent, to go back to. */
  sent: FormStage;
}

export interface PublishCallbacks {
  onEdit: (edit: PublishEdit) => void;
  onPublish: () => void;
  onCancel: () => void;
  /** Reads the notebook (again), also after a publish; edits stay. */
  onRead: () => void;
  /** Takes all edits back. */
  onReset: () => void;
  onCell: (cell: number) => void;
  onRun: (block: Block) => void;
  onCopy: (reference: string) => void;
  onShow: (block: Block) => void;
  onAddToWorkflow: (block: Block) => void;
  /** Stands beside the button that publishes. */
  tools?: (request: PublishRequest) => ReactNode;
}

/** From an open notebook to a registered block. */
export function PublishPanel({ path, stage, ...calls }: { path: string; stage: Stage } & PublishCallbacks) {
  const trans = useTrans();
  return (
    <section className="lq-root lq-publish" aria-label={trans.__('Publish as block')}>
      <header className="lq-header">
        <Icon name="block" />
        <div className="lq-grow">
          <h2>{trans.__('Publish as block')}</h2>
          <p className="lq-hint lq-path">{path}</p>
        </div>
        {stage.kind === 'form' && <Asked inspection={stage.inspection} />}
      </header>
      {stage.kind === 'reading' && (
        <div className="lq-scroll">
          <p className="lq-reading">{trans.__('Reading the notebook…')}</p>
          <Skeleton label={trans.__('Reading the notebook…')} rows={7} />
        </div>
      )}
      {stage.kind === 'unreadable' && (
        <div className="lq-scroll">
          <FailureBox failure={stage.failure} onRetry={calls.onRead} />
        </div>
      )}
      {stage.kind === 'form' && <PublishFormView {...stage} {...calls} />}
      {stage.kind === 'work' && <PublishProgress {...stage} {...calls} />}
    </section>
  );
}

/** Who said which packages there are: the running kernel, its environment, or the index alone. */
function Asked({ inspection }: { inspection: Inspection }) {
  const trans = useTrans();
  const { live, python_executable: python } = inspection;
  const [words, about] = live
    ? [trans.__('live kernel asked'), trans.__('The running kernel said which modules it holds.')]
    : python
      ? [trans.__('environment asked'), trans.__('Versions are those of the kernel’s environment; no running kernel was asked.')]
      : [trans.__('no kernel asked'), trans.__('Versions are the newest of the package index.')];
  return (
    <span className={`lq-chip lq-asked${live ? ' lq-asked-live' : ''}`} title={python ? `${about} ${python}` : about}>
      {words}
    </span>
  );
}
