/** The tasks and links of a workflow as React Flow draws them. */
import { MarkerType, Position, type Edge as FlowEdge, type NodeHandle } from '@xyflow/react';
import type { Run, Task } from '../../contract';
import { taskRunOf } from '../../state/composer';
import { NODE, type Place } from '../../state/layout';
import { linkId, type Link } from '../../state/links';
import type { TaskFlowNode } from './TaskNode';

const SPOT = { width: 1, height: 1 };
// Sizes and handles are known, so nothing has to be measured before edges can be drawn.
// Their id is that of the handles in TaskNode, which have none.
const HANDLES: { right: NodeHandle[]; down: NodeHandle[] } = {
  right: [
    { id: null, type: 'target', position: Position.Left, x: 0, y: NODE.height / 2, ...SPOT },
    { id: null, type: 'source', position: Position.Right, x: NODE.width, y: NODE.height / 2, ...SPOT }
  ],
  down: [
    { id: null, type: 'target', position: Position.Top, x: NODE.width / 2, y: 0, ...SPOT },
    { id: null, type: 'source', position: Position.Bottom, x: NODE.width / 2, y: NODE.height, ...SPOT }
  ]
};

/** A task as it is to be drawn. */
export interface DrawnTask {
  data: TaskFlowNode['data'];
  position: Place;
  selected: boolean;
}

/** Gives the same object for a node for as long as nothing about it changes: only what changed is drawn again. */
export class NodeMaker {
  private made = new Map<string, TaskFlowNode>();

  nodes(wanted: readonly DrawnTask[]): TaskFlowNode[] {
    const made = new Map(wanted.map(one => [one.data.name, this.node(one.data, one.position, one.selected)]));
    this.made = made;
    return [...made.values()];
  }

  private node(data: TaskFlowNode['data'], position: Place, selected: boolean): TaskFlowNode {
    const before = this.made.get(data.name);
    const same = before !== undefined && isSame(before.data, data);
    if (same && before.selected === selected && isSame(before.position, position)) {
      return before;
    }
    return {
      id: data.name,
      type: 'task',
      position,
      selected,
      ...NODE,
      measured: NODE,
      handles: data.down ? HANDLES.down : HANDLES.right,
      data: same ? before.data : data
    };
  }
}

function isSame<T extends object>(one: T, other: T): boolean {
  return (Object.keys(other) as (keyof T)[]).every(key => one[key] === other[key]);
}

export function edgesOf(
  links: readonly Link[],
  circular: readonly Link[],
  chosen: readonly string[],
  run: Run | null,
  circle: string
): FlowEdge[] {
  const round = new Set(circular.map(linkId));
  return links.map(link => {
    const id = linkId(link);
    const outputs = link.outputs.join(', ');
    const selected = chosen.includes(id);
    const color = round.has(id) ? 'var(--lq-bad)' : selected ? 'var(--lq-brand)' : 'var(--lq-line)';
    return {
      id,
      source: link.from,
      target: link.to,
      selected,
      label: round.has(id) ? circle : outputs || undefined,
      className: round.has(id) ? 'lq-edge-circular' : outputs ? 'lq-edge-output' : 'lq-edge-after',
      animated: taskRunOf(run, link.to)?.state === 'RUNNING',
      markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color }
    };
  });
}

/** What a node says of its block. */
export function blockName(task: Task): string {
  return `${task.block}${task.version ? `@${task.version}` : ''}`;
}
