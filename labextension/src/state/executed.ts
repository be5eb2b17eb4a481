/** What can be shown of an executed notebook: read from a document that nobody vouches for. */
import { stripTerminalCodes } from './log';

export type ShownOutput =
  | { kind: 'text'; text: string; error: boolean }
  /** A `data:` address of a bitmap. */
  | { kind: 'image'; source: string; alt: string }
  /** Something that only a notebook shows; `types` are its MIME types. */
  | { kind: 'other'; types: string[] };

export interface ShownCell {
  /** Its place among all cells. */
  number: number;
  kind: 'code' | 'markdown' | 'raw';
  source: string;
  /** Execution count; null if it was not executed. */
  count: number | null;
  outputs: ShownOutput[];
  failed: boolean;
}

const BITMAPS = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const TEXT_LIMIT = 50_000;

/** The cells of a notebook document; none if it is no notebook. */
export function cellsOf(notebook: unknown): ShownCell[] {
  const cells = field(notebook, 'cells');
  return Array.isArray(cells) ? cells.map((cell, number) => shownCell(cell, number)) : [];
}

/** The cell at which a notebook failed; null if none did. */
export function failedCell(cells: readonly ShownCell[]): ShownCell | null {
  return cells.find(cell => cell.failed) ?? null;
}

/**
 * The notebook without what its cells say of their own trust. A server that is asked to save trusted cells
 * signs them in its user's name, and what strangers wrote would be let loose on the page.
 */
export function distrusted(notebook: unknown): unknown {
  const cells = field(notebook, 'cells');
  return Array.isArray(cells) ? { ...(notebook as object), cells: cells.map(distrustedCell) } : notebook;
}

function distrustedCell(cell: unknown): unknown {
  const metadata = field(cell, 'metadata');
  if (typeof metadata !== 'object' || metadata === null) {
    return cell;
  }
  return { ...(cell as object), metadata: { ...metadata, trusted: false } };
}

function shownCell(cell: unknown, number: number): ShownCell {
  const kind = field(cell, 'cell_type');
  const count = field(cell, 'execution_count');
  const given = field(cell, 'outputs');
  const outputs = kind === 'code' && Array.isArray(given) ? given : [];
  return {
    number,
    kind: kind === 'code' || kind === 'markdown' ? kind : 'raw',
    source: textOf(field(cell, 'source')),
    count: typeof count === 'number' ? count : null,
    outputs: joined(outputs).map(shownOutput),
    failed: outputs.some(output => field(output, 'output_type') === 'error')
  };
}

function shownOutput(output: unknown): ShownOutput {
  switch (field(output, 'output_type')) {
    case 'stream':
      return text(textOf(field(output, 'text')), field(output, 'name') === 'stderr');
    case 'error': {
      const traceback = textOf(field(output, 'traceback'), '\n');
      return text(traceback || `${textOf(field(output, 'ename'))}: ${textOf(field(output, 'evalue'))}`, true);
    }
    default:
      return shownData(field(output, 'data'));
  }
}

function shownData(data: unknown): ShownOutput {
  const plain = textOf(field(data, 'text/plain'));
  const bitmap = BITMAPS.find(type => typeof field(data, type) === 'string' || Array.isArray(field(data, type)));
  if (bitmap) {
    // Only what base64 consists of: nothing else can be an image, and nothing else gets into an address.
    const encoded = textOf(field(data, bitmap)).replace(/[^A-Za-z0-9+/=]/g, '');
    return { kind: 'image', source: `data:${bitmap};base64,${encoded}`, alt: plain };
  }
  const types = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  return plain ? text(plain, false) : { kind: 'other', types };
}

function text(whole: string, error: boolean): ShownOutput {
  const clean = stripTerminalCodes(whole);
  const cut = clean.length > TEXT_LIMIT ? `${clean.slice(0, TEXT_LIMIT)}\n…` : clean;
  return { kind: 'text', text: cut, error };
}

/** Neighbouring pieces of one stream as one: a notebook saved while it runs has a piece for every print. */
function joined(outputs: readonly unknown[]): unknown[] {
  const found: unknown[] = [];
  for (const output of outputs) {
    const before = found.at(-1);
    const name = field(output, 'name');
    if (field(output, 'output_type') === 'stream' && field(before, 'output_type') === 'stream' && field(before, 'name') === name) {
      const text = textOf(field(before, 'text')) + textOf(field(output, 'text'));
      found[found.length - 1] = { output_type: 'stream', name, text };
    } else {
      found.push(output);
    }
  }
  return found;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as { [name: string]: unknown })[name] : undefined;
}

/** Text as notebooks write it: a string, or a list of lines. */
function textOf(value: unknown, between = ''): string {
  if (Array.isArray(value)) {
    return value.filter(part => typeof part === 'string').join(between);
  }
  return typeof value === 'string' ? value : '';
}
