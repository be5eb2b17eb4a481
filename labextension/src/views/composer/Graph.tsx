import { useEffect, useMemo } from 'react';
import {
  Background,
  Controls,
  MarkerType,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  type Connection,
  type Edge as FlowEdge
} from '@xyflow/react';
import type { Block, Run, Workflow } from '../../contract';
import { canWait, faultsOf, layersOf, linksOf, newerVersion, taskRunOf, type Edit } from '../../state/composer';
import { Empty, useTrans } from '../elements';
import { TaskNode, type TaskFlowNode } from './TaskNode';

const WIDTH = 196;
const HEIGHT = 60;
const GAP_X = 64;
const GAP_Y = 24;

const NODE_TYPES = { task: TaskNode };
const FIT = { padding: 0.16, maxZoom: 1, minZoom: 0.3 };

interface Props {
  workflow: Workflow;
  run: Run | null;
  blocks: Block[];
  faults: string[];
  selected: string | null;
  visible: boolean;
  onSelect: (task: string | null) => void;
  onEdit: (edit: Edit) => void;
}

/** The tasks and who waits for whom, drawn from left to right. */
export function Graph(props: Props) {
  const trans = useTrans();
  const empty = props.workflow.tasks.length === 0;
  return (
    <div className="lq-graph" role="region" aria-label={trans.__('Graph of tasks')}>
      {empty && (
        <Empty icon="block" title={trans.__('No tasks yet')}>
          <p>{trans.__('Add a block from the list: it becomes a task.')}</p>
        </Empty>
      )}
      {!empty && props.visible && (
        <ReactFlowProvider>
          <Flow {...props} />
        </ReactFlowProvider>
      )}
    </div>
  );
}

function Flow({ workflow, run, blocks, faults, selected, onSelect, onEdit }: Props) {
  const tasks = workflow.tasks;
  const { fitView } = useReactFlow();

  const nodes = useMemo(() => {
    const layers = layersOf(tasks);
    const tallest = Math.max(...layers.map(layer => layer.length));
    return layers.flatMap((layer, column) =>
      layer.map((name, row): TaskFlowNode => {
        const task = tasks.find(one => one.name === name);
        return {
          id: name,
          type: 'task',
          position: {
            x: column * (WIDTH + GAP_X),
            y: (row + (tallest - layer.length) / 2) * (HEIGHT + GAP_Y)
          },
          // Sizes and handles are known, so nothing has to be measured before edges can be drawn.
          width: WIDTH,
          height: HEIGHT,
          measured: { width: WIDTH, height: HEIGHT },
          handles: [
            { type: 'target', position: Position.Left, x: 0, y: HEIGHT / 2, width: 1, height: 1 },
            { type: 'source', position: Position.Right, x: WIDTH, y: HEIGHT / 2, width: 1, height: 1 }
          ],
          data: {
            name,
            block: task ? `${task.block}${task.version ? `@${task.version}` : ''}` : '',
            newer: task ? newerVersion(task, blocks) : null,
            faulty: faultsOf(faults, tasks, name).length > 0,
            run: taskRunOf(run, name),
            selected: name === selected,
            onSelect
          }
        };
      })
    );
  }, [tasks, run, blocks, faults, selected, onSelect]);

  const edges = useMemo(
    () =>
      linksOf(tasks).map((link): FlowEdge => {
        const outputs = link.outputs.join(', ');
        return {
          id: `${link.from}→${link.to}`,
          source: link.from,
          target: link.to,
          label: outputs || undefined,
          className: outputs ? 'lq-edge-output' : 'lq-edge-after',
          animated: taskRunOf(run, link.to)?.state === 'RUNNING',
          markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: 'var(--lq-line)' }
        };
      }),
    [tasks, run]
  );

  // A changed structure is brought into view; a changed state is not.
  const shape = edges.map(edge => edge.id).join() + nodes.map(node => node.id).join();
  useEffect(() => {
    const frame = requestAnimationFrame(() => void fitView(FIT));
    return () => cancelAnimationFrame(frame);
  }, [shape, fitView]);

  const valid = ({ source, target }: Connection | FlowEdge) => source !== target && canWait(tasks, target, source);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      fitView
      fitViewOptions={FIT}
      minZoom={0.3}
      maxZoom={1.5}
      nodesDraggable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      deleteKeyCode={null}
      zoomOnScroll={false}
      preventScrolling={false}
      isValidConnection={valid}
      onConnect={({ source, target }) => onEdit({ type: 'after', task: target, on: source, waits: true })}
      onPaneClick={() => onSelect(null)}
    >
      <Background gap={18} size={1} color="var(--lq-dots)" />
      <Controls showInteractive={false} fitViewOptions={FIT} />
    </ReactFlow>
  );
}
