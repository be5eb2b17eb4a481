import { useEffect, useMemo } from 'react';
import {
  Background,
  Controls,
  MarkerType,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Connection,
  type Edge as FlowEdge,
  type NodeHandle
} from '@xyflow/react';
import type { Block, Run, Workflow } from '../../contract';
import { canWait, faultsOf, layersOf, linksOf, newerVersion, taskRunOf, type Edit } from '../../state/composer';
import { Empty, useTrans } from '../elements';
import { TaskNode, type TaskFlowNode } from './TaskNode';

const WIDTH = 196;
const HEIGHT = 60;
/** Between layers there is room for the names of outputs; between neighbours in a layer for nothing. */
const BETWEEN = 84;
const BESIDE = 24;

const HANDLES_RIGHT: NodeHandle[] = [
  { type: 'target', position: Position.Left, x: 0, y: HEIGHT / 2, width: 1, height: 1 },
  { type: 'source', position: Position.Right, x: WIDTH, y: HEIGHT / 2, width: 1, height: 1 }
];
const HANDLES_DOWN: NodeHandle[] = [
  { type: 'target', position: Position.Top, x: WIDTH / 2, y: 0, width: 1, height: 1 },
  { type: 'source', position: Position.Bottom, x: WIDTH / 2, y: HEIGHT, width: 1, height: 1 }
];

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
  /** Whether nothing can be linked. */
  fixed?: boolean;
}

/** The tasks and who waits for whom, drawn from left to right, or downwards where that shows them larger. */
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

function Flow({ workflow, run, blocks, faults, selected, onSelect, onEdit, fixed = false }: Props) {
  const tasks = workflow.tasks;
  const { fitView } = useReactFlow();

  const width = useStore(store => store.width);
  const height = useStore(store => store.height);
  const layers = useMemo(() => layersOf(tasks), [tasks]);
  const widest = Math.max(...layers.map(layer => layer.length));
  const down = isBetterDown(layers.length, widest, width, height);

  const nodes = useMemo(() => {
    const along = (down ? HEIGHT : WIDTH) + BETWEEN;
    const across = (down ? WIDTH : HEIGHT) + BESIDE;
    return layers.flatMap((layer, depth) =>
      layer.map((name, number): TaskFlowNode => {
        const task = tasks.find(one => one.name === name);
        const aside = (number + (widest - layer.length) / 2) * across;
        return {
          id: name,
          type: 'task',
          position: down ? { x: aside, y: depth * along } : { x: depth * along, y: aside },
          // Sizes and handles are known, so nothing has to be measured before edges can be drawn.
          width: WIDTH,
          height: HEIGHT,
          measured: { width: WIDTH, height: HEIGHT },
          handles: down ? HANDLES_DOWN : HANDLES_RIGHT,
          data: {
            name,
            block: task ? `${task.block}${task.version ? `@${task.version}` : ''}` : '',
            newer: task ? newerVersion(task, blocks) : null,
            faulty: faultsOf(faults, tasks, name).length > 0,
            run: taskRunOf(run, name),
            selected: name === selected,
            down,
            onSelect
          }
        };
      })
    );
  }, [tasks, layers, widest, down, run, blocks, faults, selected, onSelect]);

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
  const shape = [down, width, height, ...edges.map(edge => edge.id), ...nodes.map(node => node.id)].join();
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
      nodesConnectable={!fixed}
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

/** Whether the drawing is larger from top to bottom than from left to right, in a box of that size. */
function isBetterDown(layers: number, widest: number, width: number, height: number): boolean {
  const right = Math.min(1, width / (layers * (WIDTH + BETWEEN)), height / (widest * (HEIGHT + BESIDE)));
  const down = Math.min(1, width / (widest * (WIDTH + BESIDE)), height / (layers * (HEIGHT + BETWEEN)));
  return down > right;
}
