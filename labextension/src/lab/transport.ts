import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Transport } from '../client/api';

/** Requests to the `lentiq/` routes of the server that JupyterLab came from. */
export function serverTransport(settings: ServerConnection.ISettings): Transport {
  return async (method, path, body) => {
    const url = URLExt.join(settings.baseUrl, 'lentiq') + `/${path}`;
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await ServerConnection.makeRequest(url, init, settings);
    return { status: response.status, text: await response.text() };
  };
}
