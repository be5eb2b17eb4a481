/** A block on its way from the palette to the graph. */
import type { DragEvent } from 'react';
import type { Block } from '../../contract';

const KIND = 'application/x-lentiq-block';

export function dragBlock(transfer: DataTransfer, block: Block): void {
  transfer.setData(KIND, `${block.spec.name}@${block.version}`);
  transfer.effectAllowed = 'copy';
}

/** `clean-sales@3`, or null where something else is dragged. */
export function draggedBlock(transfer: DataTransfer): string | null {
  return transfer.getData(KIND) || null;
}

/** Says that a block may be dropped here. */
export function mayDrop(event: DragEvent, wanted: boolean): void {
  if (wanted && event.dataTransfer.types.includes(KIND)) {
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  }
}
