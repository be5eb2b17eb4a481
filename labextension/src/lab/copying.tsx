import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { ReactElement } from 'react';
import { failureOf } from '../client/failure';
import type { PublishRequest, Run, RunRequest, Workflow } from '../contract';
import { lookWays, publishWays, runWays, workflowWays, type Ways } from '../state/copyAs';
import { emptyWorkflow } from '../state/composer';
import { CopyAs } from '../views/elements';
import type { ILentiq } from './link';

/** The menus that give what a form does in other words. */
export interface Copying {
  run: (request: RunRequest) => ReactElement;
  publish: (request: PublishRequest) => ReactElement;
  /** `path`: of the file that the workflow is. */
  workflow: (name: string, yaml: () => Promise<string>, path?: string) => ReactElement;
  look: (run: Run) => ReactElement;
}

export function copying({ api, trans }: ILentiq): Copying {
  const copy = async (text: string | Promise<string>): Promise<void> => {
    try {
      Clipboard.copyToSystem(await text);
      Notification.success(trans.__('Copied'), { autoClose: 1500 });
    } catch (error) {
      Notification.error(failureOf(error).message, { autoClose: 6000 });
    }
  };
  const menu = (ways: Ways) => <CopyAs ways={ways} onCopy={text => void copy(text)} />;
  return {
    run: request => menu({ ...runWays(request), yaml: () => api.workflowText(workflowOf(request)) }),
    publish: request => menu(publishWays(request)),
    workflow: (name, yaml, path) => menu(workflowWays(name, yaml, path ?? null)),
    look: run => menu(lookWays(run.id, () => api.workflowText(run.workflow)))
  };
}

/** A workflow of one task that does what running a block does. */
function workflowOf(request: RunRequest): Workflow {
  const [block = '', version = null] = request.block.split('@');
  const task = {
    name: block,
    block,
    version,
    inputs: request.inputs ?? {},
    after: [],
    when: 'on_success' as const,
    retries: 0,
    retry_delay_s: 10,
    foreach: null,
    reuse: false,
    warn_after_s: null,
    resources: request.resources ?? { cpu_millicores: 500, memory_bytes: 2 ** 30 }
  };
  return { ...emptyWorkflow(request.project ?? 'default'), name: block, tasks: [task] };
}
