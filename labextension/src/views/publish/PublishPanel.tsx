import type { Failure } from '../../client/failure';
import type { Block, Inspection, Publish } from '../../contract';
import type { PublishEdit, PublishForm } from '../../state/publish';
import { FailureBox, Icon, Skeleton, useTrans } from '../elements';
import { PublishFormView } from './PublishFormView';
import { PublishProgress } from './PublishProgress';

/** Where one publish stands: the notebook is read, the form is filled, the work goes on. */
export type Stage =
  | { kind: 'reading' }
  | { kind: 'unreadable'; failure: Failure }
  | { kind: 'form'; inspection: Inspection; form: PublishForm; sending: boolean; failure: Failure | null }
  | { kind: 'work'; publish: Publish; startedAt: number; endedAt: number | null; stopping: boolean; failure: Failure | null };

export interface PublishCallbacks {
  onEdit: (edit: PublishEdit) => void;
  onPublish: () => void;
  onCancel: () => void;
  /** Reads the notebook (again). */
  onRead: () => void;
  onCell: (cell: number) => void;
  onRun: (block: Block) => void;
  onCopy: (reference: string) => void;
  onShow: (block: Block) => void;
}

/** From an open notebook to a registered block. */
export function PublishPanel({ path, stage, ...calls }: { path: string; stage: Stage } & PublishCallbacks) {
  const trans = useTrans();
  return (
    <section className="lq-root lq-publish" aria-label={trans.__('Publish as block')}>
      <header className="lq-header">
        <Icon name="block" />
        <div>
          <h2>{trans.__('Publish as block')}</h2>
          <p className="lq-hint lq-path">{path}</p>
        </div>
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
