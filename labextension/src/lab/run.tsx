import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { RunPage } from '../views/run';
import { copying } from './copying';
import { runIcon } from './icons';
import { COMMANDS, ILentiq } from './link';
import { RunPageModel } from './runPageModel';
import { useWatched, ViewWidget } from './ViewWidget';

/** How much of an id tells the runs of a workflow apart in a tab. */
const ID_SHOWN = 4;

export const run: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:run',
  description: 'Shows a run as it goes: its tasks, why they wait, their logs and notebooks.',
  autoStart: true,
  requires: [ILentiq],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, lentiq: ILentiq, restorer: ILayoutRestorer | null) => {
    const { api, trans } = lentiq;
    const tracker = new WidgetTracker<MainAreaWidget<ViewWidget>>({ namespace: 'lentiq-runs' });
    const models = new Map<string, RunPageModel>();
    const menus = copying(lentiq);
    const execute = (command: string, args: { [name: string]: string | number | null }) =>
      app.commands.execute(command, args);

    const open = (id: string, task: string | null): void => {
      const widgetId = `lentiq-run:${id}`;
      const shown = models.get(widgetId);
      if (shown) {
        if (task !== null) {
          shown.dispatch({ type: 'task', task });
        }
        app.shell.activateById(widgetId);
        return;
      }
      const model = new RunPageModel(api, id);
      if (task !== null) {
        model.dispatch({ type: 'task', task });
      }
      const again = async (fromFailed: boolean) => {
        const started = await model.ask(api.rerun(id, fromFailed));
        if (started) {
          open(started.done.id, null);
        }
      };
      function Host({ visible }: { visible: boolean }) {
        return (
          <RunPage
            id={id}
            state={useWatched(model.state)}
            run={useWatched(model.run)}
            log={useWatched(model.log)}
            notebook={useWatched(model.notebook)}
            {...useWatched(model.doing)}
            visible={visible}
            dispatch={action => model.dispatch(action)}
            onRefresh={() => model.refresh()}
            onDismiss={() => model.doing.dispatch({ failure: null, busy: false })}
            onCancel={name => model.cancel(name)}
            onRerun={fromFailed => void again(fromFailed)}
            onWorkflow={workflow => void execute(COMMANDS.compose, workflow)}
            onBlock={(name, version) => void execute(COMMANDS.block, { name, version })}
            tools={menus.look}
            onRun={other => open(other, null)}
            onCopy={text => {
              Clipboard.copyToSystem(text);
              Notification.success(trans.__('Copied %1', text), { autoClose: 2000 });
            }}
            onNotebook={(name, cell) => void model.ask(execute(COMMANDS.notebook, { run: id, task: name, cell }))}
          />
        );
      }
      const content = new ViewWidget(
        lentiq,
        visible => <Host visible={visible} />,
        visible => model.watch(visible)
      );
      const widget = new MainAreaWidget({ content });
      widget.id = widgetId;
      widget.title.label = id;
      widget.title.icon = runIcon;
      widget.title.closable = true;
      models.set(widgetId, model);
      const name = () => {
        const found = model.run.get().value;
        if (found) {
          // A block that was run by itself has a name that no other run has.
          widget.title.label = found.workflow.revision > 0 ? `${found.workflow.name} ${id.slice(0, ID_SHOWN)}` : found.workflow.name;
          widget.title.caption = trans.__('Run %1 of %2: %3', id, found.workflow.name, found.state);
        }
      };
      model.run.subscribe(name);
      const unhint = lentiq.onHint(hint => model.hinted(hint));
      widget.disposed.connect(() => {
        unhint();
        model.watch(false);
        models.delete(widgetId);
      });
      app.shell.add(widget, 'main', { type: 'Lentiq' });
      void tracker.add(widget);
      app.shell.activateById(widgetId);
    };

    app.commands.addCommand(COMMANDS.run, {
      label: trans.__('Show a Run'),
      execute: args => open(String(args['id']), typeof args['task'] === 'string' ? args['task'] : null),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string', description: trans.__('Id of the run') },
            task: { type: 'string', description: trans.__('The task to look at: train, train.3 for an item, train@1 for an attempt') }
          },
          required: ['id']
        }
      }
    });
    void restorer?.restore(tracker, {
      command: COMMANDS.run,
      args: widget => ({ id: models.get(widget.id)?.id ?? '' }),
      name: widget => widget.id
    });
  }
};
