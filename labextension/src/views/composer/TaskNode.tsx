import { memo } from 'react';
import { Handle, Position, type Node, type NodeProps } from '@xyflow/react';
import type { TaskRun } from '../../contract';
import { isTaskActive, toneOf } from '../../state/states';
import { Icon, Mark, StateMark, useTrans } from '../elements';

export type TaskFlowNode = Node<
  {
    name: string;
    block: string;
    newer: string | null;
    /** What is wrong with it, a line for each fault. */
    faults: string;
    run: TaskRun | null;
    /** Drawn from top to bottom. */
    down: boolean;
    /** Whether Tab leads to it: to one of all; from there arrow keys lead on. */
    entered: boolean;
    /** Another task is being linked to it by keyboard or button. */
    linking: boolean;
  },
  'task'
>;

/** One task in the graph: chosen by a click, dragged by its body, linked by dragging from its handles. */
export const TaskNode = memo(function TaskNode({ data, selected, isConnectable }: NodeProps<TaskFlowNode>) {
  const trans = useTrans();
  const { name, block, newer, faults, run, down, entered, linking } = data;
  const count = faults === '' ? 0 : faults.split('\n').length;
  const done = run?.progress && `${run.progress.done}/${run.progress.total}`;
  // Whoever speaks to their computer says what they see: the name holds all of it, in its order (WCAG 2.5.3).
  const label = [
    trans.__('Task %1', name),
    run?.state,
    count > 0 ? trans._n('%1 problem', '%1 problems', count) : undefined,
    block,
    newer === null ? undefined : trans.__('@%1 is newer', newer),
    done
  ];
  const share = run && isTaskActive(run.state) && run.progress ? run.progress.done / (run.progress.total || 1) : null;
  const marks = [
    'lq-node',
    selected && 'lq-node-selected',
    faults !== '' && 'lq-node-faulty',
    linking && 'lq-node-linking',
    !isConnectable && 'lq-node-fixed',
    run && `lq-node-${toneOf(run.state)}`
  ];
  return (
    <div className={marks.filter(Boolean).join(' ')}>
      <Handle
        type="target"
        position={down ? Position.Top : Position.Left}
        title={isConnectable ? trans.__('Drop here: %1 waits', name) : undefined}
      />
      <button
        type="button"
        className="lq-node-button"
        data-task={name}
        tabIndex={entered ? 0 : -1}
        aria-pressed={selected}
        aria-label={label.filter(Boolean).join(', ')}
        title={run?.reason || faults || undefined}
      >
        {run ? <StateMark state={run.state} /> : faults === '' ? <Icon name="block" /> : <Mark mark="FAILED" tone="bad" />}
        <span className="lq-title">{name}</span> {run && <span className="lq-word">{run.state}</span>}{' '}
        {!run && count > 0 && <span className="lq-node-count">{count}</span>}{' '}
        <span className="lq-node-block lq-code">
          {block}
          {newer !== null && <span className="lq-newer" title={trans.__('@%1 is newer', newer)} />}
        </span>{' '}
        {done && <span className="lq-size">{done}</span>}
      </button>
      {share !== null && (
        <span className="lq-node-progress" aria-hidden="true">
          <span style={{ width: `${Math.round(share * 100)}%` }} />
        </span>
      )}
      <Handle
        type="source"
        position={down ? Position.Bottom : Position.Right}
        title={isConnectable ? trans.__('Drag to a task that waits for %1', name) : undefined}
      />
    </div>
  );
});
