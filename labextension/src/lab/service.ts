import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Api } from '../client/api';
import type { Hint } from '../contract';
import { DEFAULT_SETTINGS, readSettings, type Settings } from '../state/settings';
import { createStore } from '../state/store';
import { Connection } from './connection';
import { ANY, hintOf, ILentiq } from './link';
import { serverTransport } from './transport';

/** The plugin whose schema has the settings, toolbar items, menus and shortcuts. */
const SETTINGS = 'lentiq-jupyter:plugin';
const KINDS: readonly Hint['kind'][] = ['blocks', 'workflows', 'run', 'publish'];

export const service: JupyterFrontEndPlugin<ILentiq> = {
  id: 'lentiq-jupyter:service',
  description: 'Talks to the Lentiq routes of the server and hears its events.',
  autoStart: true,
  provides: ILentiq,
  optional: [ITranslator, ISettingRegistry],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null, registry: ISettingRegistry | null): ILentiq => {
    const listeners = new Set<(hint: Hint) => void>();
    const tell = (hint: Hint) => [...listeners].forEach(hinted => hinted(hint));
    app.serviceManager.events.stream.connect((_, event) => {
      const hint = hintOf(event);
      if (hint) {
        tell(hint);
      }
    });
    // What changed while nobody could say so: anything may have.
    const connection = new Connection(serverTransport(app.serviceManager.serverSettings), () =>
      KINDS.forEach(kind => tell({ kind, id: ANY, state: '' }))
    );
    app.serviceManager.connectionFailure.connect(() => void connection.retry());
    const settings = createStore<Settings, Settings>((_, changed) => changed, DEFAULT_SETTINGS);
    registry?.load(SETTINGS).then(
      found => {
        const read = () => settings.dispatch(readSettings(found.composite));
        found.changed.connect(read);
        read();
      },
      (error: unknown) => console.error(error)
    );
    return {
      api: new Api(connection.transport),
      connection,
      settings,
      trans: (translator ?? nullTranslator).load('lentiq_jupyter'),
      onHint: hinted => {
        listeners.add(hinted);
        return () => void listeners.delete(hinted);
      }
    };
  }
};
