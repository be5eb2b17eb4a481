import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Api } from '../client/api';
import type { Hint } from '../contract';
import { hintOf, ILentiq } from './link';
import { serverTransport } from './transport';

export const service: JupyterFrontEndPlugin<ILentiq> = {
  id: 'lentiq-jupyter:service',
  description: 'Talks to the Lentiq routes of the server and hears its events.',
  autoStart: true,
  provides: ILentiq,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): ILentiq => {
    const listeners = new Set<(hint: Hint) => void>();
    app.serviceManager.events.stream.connect((_, event) => {
      const hint = hintOf(event);
      if (hint) {
        [...listeners].forEach(hinted => hinted(hint));
      }
    });
    return {
      api: new Api(serverTransport(app.serviceManager.serverSettings)),
      trans: (translator ?? nullTranslator).load('lentiq_jupyter'),
      onHint: hinted => {
        listeners.add(hinted);
        return () => void listeners.delete(hinted);
      }
    };
  }
};
