import type { Event } from '@jupyterlab/services';
import { Token } from '@lumino/coreutils';
import type { Api } from '../client/api';
import type { Block, Hint, Run } from '../contract';
import type { Settings } from '../state/settings';
import type { Trans } from '../views/elements';
import type { Connection } from './connection';
import type { Watchable } from './watchable';

export const EVENTS_SCHEMA = 'https://schema.lentiq.io/events/v1';

/** What the plugins of this extension share. */
export interface ILentiq {
  api: Api;
  trans: Trans;
  /** Whether the server can be reached. */
  connection: Connection;
  settings: Watchable<Settings>;
  /** Calls `hinted` whenever the server says that something changed; returns what unsubscribes. */
  onHint(hinted: (hint: Hint) => void): () => void;
}

export const ILentiq = new Token<ILentiq>('lentiq-jupyter:ILentiq', 'The Lentiq service and its events.');

/** What other plugins ask the sidebar for. */
export interface ILentiqSidebar {
  showBlock(block: Block, options: { run: boolean }): void;
  /** Shows a run that began just now. */
  showRun(run: Run): void;
  refresh(): void;
}

export const ILentiqSidebar = new Token<ILentiqSidebar>('lentiq-jupyter:ILentiqSidebar', 'The Lentiq sidebar.');

export const COMMANDS = {
  publish: 'lentiq:publish',
  compose: 'lentiq:compose',
  newWorkflow: 'lentiq:new-workflow',
  drift: 'lentiq:show-drift',
  block: 'lentiq:open-block',
  fromImage: 'lentiq:block-from-image',
  dockerfile: 'lentiq:dockerfile',
  notebook: 'lentiq:open-run-notebook',
  run: 'lentiq:open-run',
  showSidebar: 'lentiq:show-sidebar'
} as const;

/** In a hint instead of an id: any of that kind may have changed. */
export const ANY = '';

/** The hint in an event of the server; null for events of others. */
export function hintOf(event: Event.Emission): Hint | null {
  if (event.schema_id !== EVENTS_SCHEMA) {
    return null;
  }
  const { kind, id, state } = event as Partial<Hint>;
  return kind && typeof id === 'string' ? { kind, id, state: state ?? '' } : null;
}
