import type { PublishResult, Step, Verification } from '../../contract';
import { publishLog, roundsOf, stepsOf, type Round, type StepState, type StepView } from '../../state/progress';
import { readableBytes } from '../../state/resources';
import { readableDuration } from '../../state/time';
import { Button, FailureBox, LogView, Mark, ProgressBar, StepMark, useNow, useTrans, type Trans } from '../elements';
import type { PublishCallbacks, WorkStage } from './PublishPanel';

type Props = WorkStage & Pick<PublishCallbacks, 'onCancel' | 'onRead' | 'onRun' | 'onCopy' | 'onShow' | 'onAddToWorkflow'>;

/** The steps of a publish while it goes on, and what came out. */
export function PublishProgress({ publish, startedAt, endedAt, stopping, failure, ...calls }: Props) {
  const trans = useTrans();
  const running = publish.state === 'running';
  const now = useNow(running);
  const duration = readableDuration((endedAt ?? Math.max(now, startedAt)) - startedAt);
  return (
    <div className="lq-form" aria-busy={running}>
      <div className="lq-scroll">
        {failure && <FailureBox failure={failure} />}
        {publish.result && <Registered result={publish.result} {...calls} />}
        {publish.state === 'failed' && publish.error && <FailureBox failure={publish.error} />}
        {publish.state === 'cancelled' && (
          <div className="lq-notice" role="status">
            <Mark mark="CANCELLED" tone="quiet" />
            <p className="lq-notice-message">{trans.__('Stopped as asked. Nothing was registered.')}</p>
          </div>
        )}
        <ol className="lq-steps" aria-label={trans.__('Steps')}>
          {stepsOf(publish).map(step => (
            <StepRow key={step.step} step={step} seconds={publish.result?.seconds[step.step]} />
          ))}
        </ol>
        <Rounds rounds={roundsOf(publish)} />
        <LogView text={publishLog(publish)} label={trans.__('Log of the publish')} live={running} />
      </div>
      <footer className="lq-footer">
        <span className="lq-hint" role="timer">
          {running ? trans.__('%1 so far', duration) : trans.__('%1 in all', duration)}
        </span>
        {running ? (
          <Button icon="stop" onClick={calls.onCancel} disabled={stopping}>
            {stopping ? trans.__('Stopping…') : trans.__('Cancel')}
          </Button>
        ) : (
          <Button icon={publish.state === 'succeeded' ? 'refresh' : 'edit'} onClick={calls.onRead}>
            {publish.state === 'succeeded' ? trans.__('Publish again') : trans.__('Change and try again')}
          </Button>
        )}
      </footer>
    </div>
  );
}

/** What was found missing and is added, build by build. */
function Rounds({ rounds }: { rounds: Round[] }) {
  const trans = useTrans();
  return (
    <ol className="lq-rounds" aria-label={trans.__('Repairs')} aria-live="polite">
      {rounds.map(({ number, message }) => (
        <li key={number} className="lq-round">
          <span className="lq-chip">{trans.__('round %1', number)}</span> <span>{message}</span>
        </li>
      ))}
    </ol>
  );
}

function stepNames(trans: Trans): { [step in Step]: string } {
  return {
    analyse: trans.__('Analyse'),
    resolve: trans.__('Resolve'),
    build: trans.__('Build'),
    verify: trans.__('Verify'),
    register: trans.__('Register')
  };
}

function stateNames(trans: Trans): { [state in StepState]: string } {
  return {
    pending: trans.__('to do'),
    active: trans.__('going on'),
    done: trans.__('done'),
    skipped: trans.__('left out'),
    failed: trans.__('failed'),
    cancelled: trans.__('stopped')
  };
}

function StepRow({ step, seconds }: { step: StepView; seconds: number | undefined }) {
  const trans = useTrans();
  const name = stepNames(trans)[step.step];
  return (
    <li className={`lq-step lq-step-${step.state}`} aria-current={step.state === 'active' ? 'step' : undefined}>
      <StepMark state={step.state} label={stateNames(trans)[step.state]} />
      <span className="lq-step-name">{name}</span>
      <span className="lq-step-message">{step.message}</span>
      {seconds !== undefined && <span className="lq-size">{readableDuration(seconds * 1000)}</span>}
      {step.state === 'active' && <ProgressBar share={step.share} label={trans.__('Progress of %1', name)} />}
    </li>
  );
}

const SIGNS = {
  'proven by run': { mark: 'SUCCEEDED', tone: 'good' },
  'proven by import': { mark: 'SUCCEEDED', tone: 'wait' },
  'not proven': { mark: 'WAITING', tone: 'quiet' }
} as const;

/** The verdict with its evidence, and what had to be added before it ran. */
function Proven({ verification }: { verification: Verification }) {
  const trans = useTrans();
  const { verdict, evidence, repairs } = verification;
  return (
    <>
      <p className="lq-verdict">
        <Mark {...SIGNS[verdict]} /> <strong>{verdict}</strong>
        {evidence && <span className="lq-notice-hint">{evidence}</span>}
      </p>
      <Told title={trans.__('Found missing in the proof, and added')} sentences={repairs} />
    </>
  );
}

/** Sentences under a title; nothing where there are none. */
function Told({ title, sentences }: { title: string; sentences: string[] }) {
  return sentences.length === 0 ? null : (
    <div>
      <p className="lq-hint">{title}</p>
      <ul className="lq-faults" aria-label={title}>
        {sentences.map((sentence, number) => (
          <li key={number}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}

type End = Pick<Props, 'onRun' | 'onCopy' | 'onShow' | 'onAddToWorkflow'>;

function Registered({ result, onRun, onCopy, onShow, onAddToWorkflow }: { result: PublishResult } & End) {
  const trans = useTrans();
  const block = result.block;
  const reference = `${block.spec.name}@${block.version}`;
  const seconds = Object.values(result.seconds).reduce((sum, one) => sum + one, 0);
  return (
    <div className="lq-notice lq-notice-good" role="status">
      <Mark mark="SUCCEEDED" tone="good" />
      <div className="lq-notice-body">
        <p className="lq-notice-message">{trans.__('%1 is registered', reference)}</p>
        <p className="lq-notice-hint">
          {trans.__(
            '%1 of %2 sent in %3.',
            readableBytes(result.bytes_sent),
            readableBytes(result.bytes_total),
            readableDuration(seconds * 1000)
          )}
        </p>
        <Proven verification={block.verification} />
        <Told title={trans.__('Notes')} sentences={result.notes.filter(note => !block.verification.repairs.includes(note))} />
        <div className="lq-actions">
          <Button kind="primary" icon="play" onClick={() => onRun(block)}>
            {trans.__('Run it')}
          </Button>
          <Button icon="add" onClick={() => onAddToWorkflow(block)}>
            {trans.__('Add to a workflow')}
          </Button>
          <Button icon="copy" onClick={() => onCopy(reference)}>
            {trans.__('Copy reference')}
          </Button>
          <Button icon="block" onClick={() => onShow(block)}>
            {trans.__('Show in sidebar')}
          </Button>
        </div>
      </div>
    </div>
  );
}
