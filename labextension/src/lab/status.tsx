import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification, ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { offline } from '../client/failure';
import type { Run } from '../contract';
import { activityOf, endedBetween } from '../state/activity';
import { isActive, failedTask } from '../state/states';
import { StatusItem } from '../views/status/StatusItem';
import { TransContext } from '../views/elements';
import { Feed } from './feed';
import { COMMANDS, ILentiq } from './link';
import { useWatched } from './ViewWidget';

const RUNS_WATCHED = 50;

export const status: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:status',
  description: 'Says in the status bar what runs, and tells whoever started a run that it ended.',
  autoStart: true,
  requires: [ILentiq],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, lentiq: ILentiq, statusBar: IStatusBar | null) => {
    const { api, trans } = lentiq;
    let before: Run[] | null = null;
    /** Whose name the runs get that are started from here. */
    let author: Promise<string> | null = null;
    const runs = new Feed({
      fetch: () => api.runs({ limit: RUNS_WATCHED }),
      active: found => found.some(run => isActive(run.state))
    });

    const tell = (run: Run): void => {
      const { notify } = lentiq.settings.get();
      if (notify === 'none' || (notify === 'failures' && run.state !== 'FAILED')) {
        return;
      }
      const failed = failedTask(run);
      const actions = [{ label: trans.__('Show'), callback: () => void app.commands.execute(COMMANDS.run, { id: run.id }) }];
      const name = run.workflow.name;
      if (run.state === 'SUCCEEDED') {
        Notification.success(trans.__('%1 succeeded', name), { autoClose: 8000, actions });
      } else if (run.state === 'FAILED') {
        Notification.error(failed ? trans.__('%1 failed at %2', name, failed) : trans.__('%1 failed', name), { autoClose: false, actions });
      }
    };
    runs.subscribe(() => {
      const now = runs.get().value;
      if (now === null || now === before) {
        return;
      }
      const earlier = before;
      before = now;
      if (earlier !== null) {
        author ??= api.status().then(found => found.author);
        author.then(
          name => endedBetween(earlier, now, name).forEach(tell),
          () => (author = null)
        );
      }
    });
    lentiq.onHint(hint => {
      if (hint.kind === 'run') {
        void runs.refresh();
      }
    });
    // Lab's own start comes first.
    void app.restored.then(() => runs.watch(true));

    function Host() {
      const { value, failure } = useWatched(runs);
      const lost = useWatched(lentiq.connection);
      const { statusBar: shown } = useWatched(lentiq.settings);
      return !shown ? null : (
        <TransContext.Provider value={trans}>
          <StatusItem
            activity={value && activityOf(value, Date.now())}
            failure={lost ? offline('') : failure}
            onShow={() => void app.commands.execute(COMMANDS.showSidebar, { tab: 'runs' })}
          />
        </TransContext.Provider>
      );
    }
    const item = ReactWidget.create(<Host />);
    item.addClass('lq-status-host');
    statusBar?.registerStatusItem('lentiq-jupyter:status', { item, align: 'left', rank: 20 });
  }
};
