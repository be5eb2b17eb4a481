import { Fragment } from 'react';
import { NOT_ENABLED, type Failure } from '../../client/failure';
import type { TaskState } from '../../contract';
import type { Activity } from '../../state/activity';
import { Icon, StateMark, useTrans } from '../elements';

interface Props {
  /** null before anything is known. */
  activity: Activity | null;
  failure: Failure | null;
  onShow: () => void;
}

/** What runs, waits and failed, in the space of a few words. */
export function StatusItem({ activity, failure, onShow }: Props) {
  const trans = useTrans();
  if (failure && failure.kind !== NOT_ENABLED) {
    return (
      <button type="button" className="lq-status" title={failure.message} onClick={onShow}>
        <StateMark state="LOST" />
        {trans.__('Lentiq does not answer')}
      </button>
    );
  }
  if (activity === null || failure) {
    return null;
  }
  const { running, pending, failed } = activity;
  const words = [
    trans._n('%1 task running', '%1 tasks running', running),
    trans._n('%1 task waiting for room', '%1 tasks waiting for room', pending),
    trans._n('%1 run failed in the last day', '%1 runs failed in the last day', failed)
  ].join(', ');
  const counts: [TaskState, number][] = [
    ['RUNNING', running],
    ['PENDING', pending],
    ['FAILED', failed]
  ];
  const shown = counts.filter(([, count]) => count > 0);
  return (
    <button type="button" className="lq-status" title={words} onClick={onShow}>
      <span className="lq-hidden">{trans.__('Lentiq: %1', words)}</span>
      {shown.length === 0 && (
        <>
          <Icon name="block" /> <span aria-hidden="true">{trans.__('Lentiq')}</span>
        </>
      )}
      {shown.map(([state, count]) => (
        <Fragment key={state}>
          <StateMark state={state} />
          <span aria-hidden="true">{count}</span>
        </Fragment>
      ))}
    </button>
  );
}
