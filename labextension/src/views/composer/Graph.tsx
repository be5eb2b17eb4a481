import { useEffect, useMemo, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';
import {
  Background,
  Controls,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  useStore,
  type Connection,
  type Edge as FlowEdge,
  type EdgeChange
} from '@xyflow/react';
import type { Block, Run, Workflow } from '../../contract';
import { taskRunOf } from '../../state/composer';
import type { FoundFault } from '../../state/faults';
import { arranged, drawingOf, layersOf, NODE, placed, taskAfterKey, type Place, type Places } from '../../state/layout';
import { canWait, circularLinks, linkId, linksOf } from '../../state/links';
import { chosenAfter, type Choice, type Selection } from '../../state/selection';
import { upgradeOf } from '../../state/upgrade';
import { Empty, useTrans } from '../elements';
import { blockName, edgesOf } from './nodes';
import { draggedBlock, mayDrop } from './dragging';
import { MovingFlow } from './MovingFlow';
import type { TaskFlowNode } from './TaskNode';

const FIT = { padding: 0.16, maxZoom: 1, minZoom: 0.3 };
const WITH_OTHERS = ['Shift', 'Control', 'Meta'];

export interface Changes {
  /** Which task a link to another one begins at; null while none is drawn by keyboard or button. */
  linkingFrom: string | null;
  /** Where people put the tasks; null: laid out by themselves. */
  places: Places | null;
  onPlaces: (places: Places) => void;
  onLink: (from: string, to: string) => void;
  /** Adds a block as a task, and gives the task's name. */
  onDrop: (reference: string) => string | null;
}

interface Props {
  workflow: Workflow;
  run: Run | null;
  blocks: Block[];
  faults: readonly FoundFault[];
  selection: Selection;
  visible: boolean;
  onSelection: (change: (before: Selection) => Selection) => void;
  /** What people can change in the drawing; null where it is only looked at. */
  changes: Changes | null;
}

/** The tasks and who waits for whom, drawn from left to right, or downwards where that shows them larger. */
export function Graph(props: Props) {
  const trans = useTrans();
  const empty = props.workflow.tasks.length === 0;
  return (
    <div className="lq-graph" role="region" aria-label={trans.__('Graph of tasks')}>
      {props.visible && (
        <ReactFlowProvider>
          <Flow {...props} />
        </ReactFlowProvider>
      )}
      {empty && (
        <Empty icon="block" title={trans.__('No tasks yet')}>
          <p>{trans.__('Drag a block from the list to here, or click it: it becomes a task.')}</p>
        </Empty>
      )}
    </div>
  );
}

function Flow({ workflow, run, blocks, faults, selection, onSelection, changes }: Props) {
  const trans = useTrans();
  const box = useRef<HTMLDivElement>(null);
  const { tasks } = workflow;
  const flow = useReactFlow<TaskFlowNode>();
  const width = useStore(store => store.width);
  const height = useStore(store => store.height);
  // Without tasks a fit would wait for the first one, and move it from where it was dropped.
  const [begunFull] = useState(tasks.length > 0);
  const [entered, setEntered] = useState<string | null>(null);
  /** At which end a link is being drawn that begins at the other; null while none is. */
  const [drawnFrom, setDrawnFrom] = useState<string | null>(null);

  const layers = useMemo(() => layersOf(tasks), [tasks]);
  const drawing = useMemo(() => drawingOf(layers, width, height), [layers, width, height]);
  const chosenPlaces = changes?.places ?? null;
  const places = useMemo(() => placed(arranged(drawing), chosenPlaces), [drawing, chosenPlaces]);
  const links = useMemo(() => linksOf(tasks), [tasks]);
  const circular = useMemo(() => circularLinks(tasks, links), [tasks, links]);
  const { down } = drawing;
  const linkingFrom = changes?.linkingFrom ?? null;
  const tabbed = [entered, selection.tasks.at(-1), tasks[0]?.name].find(name => name !== undefined && name !== null && name in places);

  const data = useMemo(
    () =>
      tasks.map(task => ({
        name: task.name,
        block: blockName(task),
        newer: upgradeOf(task, blocks)?.to ?? null,
        faults: faults.filter(one => one.task === task.name).map(one => one.message).join('\n'),
        run: taskRunOf(run, task.name),
        down
      })),
    [tasks, blocks, faults, run, down]
  );
  const drawn = useMemo(() => {
    const chosen = new Set(selection.tasks);
    return data.map(one => ({
      data: { ...one, entered: one.name === tabbed, linking: one.name === linkingFrom },
      position: places[one.name] ?? { x: 0, y: 0 },
      selected: chosen.has(one.name)
    }));
  }, [data, places, selection.tasks, tabbed, linkingFrom]);
  const circle = trans.__('circle');
  const edges = useMemo(
    () => edgesOf(links, circular, selection.links, run, circle),
    [links, circular, selection.links, run, circle]
  );

  // A changed structure is brought into view; a changed state is not, nor where people put tasks themselves.
  const free = chosenPlaces === null;
  const empty = tasks.length === 0;
  const shape = [down, width, height, ...links.map(linkId), ...tasks.map(task => task.name)].join();
  useEffect(() => {
    const frame = free && !empty ? requestAnimationFrame(() => void flow.fitView(FIT)) : 0;
    return () => cancelAnimationFrame(frame);
  }, [shape, free, empty, flow]);

  const nodesChosen = (choices: Choice[]) => onSelection(before => ({ ...before, tasks: chosenAfter(before.tasks, choices) }));
  const edgesChanged = (all: EdgeChange[]) => {
    const choices = all.flatMap(one => (one.type === 'select' ? [{ id: one.id, chosen: one.selected }] : []));
    if (choices.length > 0) {
      onSelection(before => ({ ...before, links: chosenAfter(before.links, choices) }));
    }
  };
  const put = (moved: Places) => changes?.onPlaces({ ...places, ...moved });
  const enter = (name: string) => {
    setEntered(name);
    box.current?.querySelector<HTMLElement>(`[data-task="${name}"]`)?.focus({ preventScroll: true });
  };
  const clicked = (event: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }, name: string) => {
    enter(name);
    if (linkingFrom !== null) {
      changes?.onLink(linkingFrom, name);
    } else if (!event.shiftKey && !event.ctrlKey && !event.metaKey) {
      // React Flow keeps several chosen ones when one of them is clicked: here that chooses this one.
      onSelection(before => (before.tasks.length > 1 ? { tasks: [name], links: [] } : before));
    }
  };
  const dropped = (event: DragEvent) => {
    const reference = draggedBlock(event.dataTransfer);
    if (reference === null || !changes) {
      return;
    }
    event.preventDefault();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const name = changes.onDrop(reference);
    if (name !== null) {
      put({ [name]: { x: x - NODE.width / 2, y: y - NODE.height / 2 } });
    }
  };
  const show = (place: Place) => {
    const { x, y, zoom } = flow.getViewport();
    const [left, top] = [place.x * zoom + x, place.y * zoom + y];
    const inside = left >= 0 && top >= 0 && left + NODE.width * zoom <= width && top + NODE.height * zoom <= height;
    if (!inside) {
      void flow.setCenter(place.x + NODE.width / 2, place.y + NODE.height / 2, { zoom });
    }
  };
  const pressed = (event: KeyboardEvent) => {
    const from = event.target instanceof HTMLElement ? event.target.dataset['task'] : undefined;
    const next = from === undefined || event.ctrlKey || event.metaKey || event.altKey ? null : taskAfterKey(places, from, event.key);
    const place = next === null ? undefined : places[next];
    if (next === null || !place) {
      return;
    }
    event.preventDefault();
    show(place);
    enter(next);
  };

  const valid = ({ source, target }: Connection | FlowEdge) => source !== target && canWait(tasks, target, source);
  return (
    <MovingFlow
      drawn={drawn}
      onChosen={nodesChosen}
      onMoved={put}
      box={box}
      className={`${linkingFrom === null ? '' : 'lq-linking'}${drawnFrom === null ? '' : ` lq-drawn-${drawnFrom}`}`}
      edges={edges}
      fitView={begunFull}
      fitViewOptions={FIT}
      minZoom={0.2}
      maxZoom={1.5}
      nodesDraggable={changes !== null}
      nodesConnectable={changes !== null}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable
      defaultEdgeOptions={{ selectable: changes !== null }}
      selectionMode={SelectionMode.Partial}
      selectionKeyCode={changes === null ? null : 'Shift'}
      multiSelectionKeyCode={changes === null ? null : WITH_OTHERS}
      deleteKeyCode={null}
      disableKeyboardA11y
      zoomOnScroll={false}
      preventScrolling={false}
      isValidConnection={valid}
      onEdgesChange={edgesChanged}
      onNodeClick={(event, node) => clicked(event, node.id)}
      onConnectStart={(_, { handleType }) => setDrawnFrom(handleType)}
      onConnectEnd={() => setDrawnFrom(null)}
      onConnect={({ source, target }) => changes?.onLink(source, target)}
      onKeyDown={pressed}
      onDragOver={event => mayDrop(event, changes !== null)}
      onDrop={dropped}
    >
      <Background gap={18} size={1} color="var(--lq-dots)" />
      <Controls showInteractive={false} fitViewOptions={FIT} />
    </MovingFlow>
  );
}
