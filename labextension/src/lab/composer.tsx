import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { Block } from '../contract';
import { Composer } from '../views/composer';
import { FailureBox } from '../views/elements';
import { ComposerModel } from './composerModel';
import { workflowIcon } from './icons';
import { COMMANDS, ILentiq } from './link';
import { useWatched, ViewWidget } from './ViewWidget';

export const composer: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:composer',
  description: 'Composes blocks into a workflow, in the main area.',
  autoStart: true,
  requires: [ILentiq],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lentiq: ILentiq,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const { trans } = lentiq;
    const tracker = new WidgetTracker<MainAreaWidget<ViewWidget>>({ namespace: 'lentiq-composer' });
    const models = new Map<string, ComposerModel>();
    let number = 0;

    /** Opens a workflow, or begins a new one and adds `block` to it. */
    const open = (which: { project: string; name: string } | null, block?: Block) => {
      const shown = tracker.find(widget => {
        const workflow = models.get(widget.id)?.get().saved;
        return which !== null && workflow?.name === which.name && workflow.project === which.project;
      });
      if (shown) {
        app.shell.activateById(shown.id);
        return;
      }
      const model = new ComposerModel(lentiq.api, trans);
      const content = new ViewWidget(
        trans,
        visible => <Host model={model} visible={visible} reload={() => void model.load(which)} />,
        visible => model.watch(visible)
      );
      const widget = new MainAreaWidget({ content });
      number += 1;
      widget.id = `lentiq-composer-${number}`;
      widget.title.icon = workflowIcon;
      widget.title.closable = true;
      models.set(widget.id, model);

      const name = () => {
        const { workflow, saved } = model.get();
        widget.title.label = saved || workflow.tasks.length > 0 ? workflow.name : trans.__('New workflow');
        widget.title.className = model.dirty ? 'jp-mod-dirty' : '';
      };
      name();
      let saved = model.get().saved;
      model.subscribe(() => {
        name();
        if (model.get().saved !== saved) {
          saved = model.get().saved;
          void tracker.save(widget);
        }
      });
      const unhint = lentiq.onHint(hint => model.hinted(hint));
      widget.disposed.connect(() => {
        unhint();
        model.dispose();
        models.delete(widget.id);
      });
      void model.load(which).then(() => block && model.add(block));
      app.shell.add(widget, 'main', { type: 'Lentiq' });
      void tracker.add(widget);
      app.shell.activateById(widget.id);
    };

    const addBlock = async (name: string, version: string): Promise<void> => {
      const block = await lentiq.api.block(name, version);
      const last = tracker.currentWidget;
      const model = last && !last.isDisposed ? models.get(last.id) : undefined;
      if (last && model && !model.get().failure) {
        model.add(block);
        app.shell.activateById(last.id);
      } else {
        open(null, block);
      }
    };

    app.commands.addCommand(COMMANDS.compose, {
      label: trans.__('Compose Workflow'),
      caption: trans.__('Compose blocks into a workflow'),
      icon: args => (args['isPalette'] ? undefined : workflowIcon),
      execute: args => {
        const { project, name, block, version } = args;
        if (typeof block === 'string' && typeof version === 'string') {
          return addBlock(block, version);
        }
        open(typeof project === 'string' && typeof name === 'string' ? { project, name } : null);
        return undefined;
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            project: { type: 'string', description: trans.__('Project of the workflow; without, a new one begins') },
            name: { type: 'string', description: trans.__('Name of the workflow') },
            block: { type: 'string', description: trans.__('A block to add to the workflow that was open last, or to a new one') },
            version: { type: 'string', description: trans.__('Its version') }
          }
        }
      }
    });
    palette?.addItem({ command: COMMANDS.compose, category: trans.__('Lentiq'), args: { isPalette: true } });
    void restorer?.restore(tracker, {
      command: COMMANDS.compose,
      args: widget => {
        const saved = models.get(widget.id)?.get().saved;
        return saved ? { project: saved.project, name: saved.name } : {};
      },
      name: widget => {
        const saved = models.get(widget.id)?.get().saved;
        return saved ? `${saved.project}/${saved.name}` : widget.id;
      }
    });
  }
};

function Host({ model, visible, reload }: { model: ComposerModel; visible: boolean; reload: () => void }) {
  const state = useWatched(model);
  const log = useWatched(model.log);
  if (state.failure) {
    return (
      <section className="lq-root lq-publish">
        <div className="lq-scroll">
          <FailureBox failure={state.failure} onRetry={reload} />
        </div>
      </section>
    );
  }
  return (
    <Composer
      {...state}
      log={state.logTask === null ? null : { task: state.logTask, text: log.text, cut: log.cut }}
      visible={visible}
      onChange={workflow => model.change(workflow)}
      onSave={() => void model.save()}
      onStart={() => void model.start()}
      onCancel={() => void model.cancel()}
      onRefresh={() => void model.refresh()}
      onText={model.text}
      onRead={model.read}
      onLog={task => model.showLog(task)}
    />
  );
}
