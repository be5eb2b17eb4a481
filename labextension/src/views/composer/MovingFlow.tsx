import { useCallback, useMemo, useState, type Ref } from 'react';
import { ReactFlow, type NodeChange, type OnNodeDrag, type ReactFlowProps } from '@xyflow/react';
import type { Places } from '../../state/layout';
import type { Choice } from '../../state/selection';
import { NodeMaker, type DrawnTask } from './nodes';
import { TaskNode, type TaskFlowNode } from './TaskNode';

const NODE_TYPES = { task: TaskNode };
const NOWHERE: Places = {};

interface Props extends ReactFlowProps<TaskFlowNode> {
  box: Ref<HTMLDivElement>;
  drawn: readonly DrawnTask[];
  onChosen: (choices: Choice[]) => void;
  onMoved: (places: Places) => void;
}

/**
 * React Flow, and where tasks are while they are dragged.
 *
 * Of what is around it, nothing is drawn again while a task moves. What it hands to React Flow must stay the same
 * functions then: each new one would have every node and edge ask whether it is concerned.
 */
export function MovingFlow({ box, drawn, onChosen, onMoved, ...rest }: Props) {
  const [maker] = useState(() => new NodeMaker());
  const [moving, setMoving] = useState(NOWHERE);
  const nodes = useMemo(
    () => maker.nodes(drawn.map(one => ({ ...one, position: moving[one.data.name] ?? one.position }))),
    [maker, drawn, moving]
  );
  const changed = useCallback(
    (all: NodeChange<TaskFlowNode>[]) => {
      const choices = all.flatMap(one => (one.type === 'select' ? [{ id: one.id, chosen: one.selected }] : []));
      if (choices.length > 0) {
        onChosen(choices);
      }
      const moved = all.flatMap(one => (one.type === 'position' && one.dragging && one.position ? [[one.id, one.position] as const] : []));
      if (moved.length > 0) {
        setMoving(before => ({ ...before, ...Object.fromEntries(moved) }));
      }
    },
    [onChosen]
  );
  const stopped: OnNodeDrag<TaskFlowNode> = useCallback(
    (_, __, moved) => {
      onMoved(Object.fromEntries(moved.map(node => [node.id, node.position])));
      setMoving(NOWHERE);
    },
    [onMoved]
  );
  return <ReactFlow {...rest} ref={box} nodes={nodes} nodeTypes={NODE_TYPES} onNodesChange={changed} onNodeDragStop={stopped} />;
}
