import { Handle, Position, type Node, type NodeProps } from '@xyflow/react';
import type { TaskRun } from '../../contract';
import { isTaskActive, toneOf } from '../../state/states';
import { Icon, Mark, StateMark, useTrans } from '../elements';

export type TaskFlowNode = Node<
  {
    name: string;
    block: string;
    newer: string | null;
    faulty: boolean;
    run: TaskRun | null;
    selected: boolean;
    /** Drawn from top to bottom. */
    down: boolean;
    onSelect: (task: string) => void;
  },
  'task'
>;

/** One task in the graph. Its button selects it; its handles are dragged to make tasks wait. */
export function TaskNode({ data, isConnectable }: NodeProps<TaskFlowNode>) {
  const trans = useTrans();
  const { name, block, newer, faulty, run, selected, down, onSelect } = data;
  const done = run?.progress && `${run.progress.done}/${run.progress.total}`;
  // Whoever speaks to their computer says what they see: the name holds all of it, in its order (WCAG 2.5.3).
  const label = [trans.__('Task %1', name), run?.state, block, done].filter(Boolean).join(', ');
  const share = run && isTaskActive(run.state) && run.progress ? run.progress.done / (run.progress.total || 1) : null;
  const tone = run ? ` lq-node-${toneOf(run.state)}` : '';
  return (
    <div className={`lq-node${selected ? ' lq-node-selected' : ''}${faulty ? ' lq-node-faulty' : ''}${isConnectable ? '' : ' lq-node-fixed'}${tone}`}>
      <Handle type="target" position={down ? Position.Top : Position.Left} title={isConnectable ? trans.__('Drop here: %1 waits', name) : undefined} />
      <button
        type="button"
        className="lq-node-button nodrag nopan"
        aria-pressed={selected}
        aria-label={label}
        title={run?.reason || undefined}
        onClick={() => onSelect(name)}
      >
        {run ? <StateMark state={run.state} /> : faulty ? <Mark mark="FAILED" tone="bad" /> : <Icon name="block" />}
        <span className="lq-title">{name}</span> {run && <span className="lq-word">{run.state}</span>}{' '}
        <span className="lq-node-block lq-code">
          {block}
          {newer && <span className="lq-newer" title={trans.__('@%1 is newer', newer)} />}
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
}
