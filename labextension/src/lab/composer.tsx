import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, InputDialog, MainAreaWidget, showDialog, WidgetTracker } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { failureOf } from '../client/failure';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { Block, Workflow } from '../contract';
import { Composer, type ComposerProps } from '../views/composer';
import { Button, FailureBox } from '../views/elements';
import { ComposerModel } from './composerModel';
import { copying, type Copying } from './copying';
import { workflowIcon } from './icons';
import { COMMANDS, ILentiq } from './link';
import { useWatched, ViewWidget } from './ViewWidget';

export const composer: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:composer',
  description: 'Composes blocks into a workflow, in the main area.',
  autoStart: true,
  requires: [ILentiq],
  optional: [ILayoutRestorer, ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    lentiq: ILentiq,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const { trans } = lentiq;
    const tracker = new WidgetTracker<MainAreaWidget<ViewWidget>>({ namespace: 'lentiq-composer' });
    const models = new Map<string, ComposerModel>();
    const menus = copying(lentiq);
    let number = 0;

    const saveAsFile = async (model: ComposerModel): Promise<void> => {
      const { workflow } = model.get();
      const asked = await InputDialog.getText({
        title: trans.__('Save workflow as file'),
        label: trans.__('Path below the folder that Lab shows'),
        text: PathExt.join(browser?.model.path ?? '', `${workflow.name}.workflow.yaml`),
        okLabel: trans.__('Save')
      });
      const path = asked.value?.trim() ?? '';
      if (!asked.button.accept || path === '') {
        return;
      }
      const { contents } = app.serviceManager;
      const taken = await contents.get(path, { content: false }).then(
        () => true,
        () => false
      );
      if (taken) {
        const body = trans.__('%1 is there already. Its comments are lost if it is written anew.', path);
        const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Overwrite') })];
        if (!(await showDialog({ title: trans.__('Overwrite the file?'), body, buttons })).button.accept) {
          return;
        }
      }
      try {
        await contents.save(path, { type: 'file', format: 'text', content: await model.text(workflow) });
        await app.commands.execute('docmanager:open', { path });
      } catch (error) {
        model.told(failureOf(error));
      }
    };

    /** Opens a workflow, or begins a new one; adds `block` to it, or takes up what was not saved. */
    const open = (which: { project: string; name: string } | null, block?: Block, draft?: Workflow) => {
      const shown = tracker.find(widget => {
        const workflow = models.get(widget.id)?.get().saved;
        return which !== null && workflow?.name === which.name && workflow.project === which.project;
      });
      if (shown) {
        app.shell.activateById(shown.id);
        return;
      }
      const model = new ComposerModel(lentiq.api, trans, lentiq.settings.get().defaultProject);
      const content = new ViewWidget(
        lentiq,
        visible => <ComposerHost
          model={model}
          visible={visible}
          reload={() => void model.load(which)}
          tools={
            <>
              <Copy model={model} menu={menus.workflow} />
              <Button onClick={() => void saveAsFile(model)}>{trans.__('Save as file…')}</Button>
            </>
          }
        />,
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
      let kept = model.get();
      model.subscribe(() => {
        name();
        const now = model.get();
        if (now.saved !== kept.saved || now.workflow !== kept.workflow) {
          kept = now;
          void tracker.save(widget);
        }
      });
      const unhint = lentiq.onHint(hint => model.hinted(hint));
      widget.disposed.connect(() => {
        unhint();
        model.dispose();
        models.delete(widget.id);
      });
      void model.load(which).then(() => {
        if (block) {
          model.add(block);
        }
        if (draft) {
          model.change(draft);
        }
      });
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
        const which = typeof project === 'string' && typeof name === 'string' ? { project, name } : null;
        open(which, undefined, args['draft'] as Workflow | undefined);
        return undefined;
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            project: { type: 'string', description: trans.__('Project of the workflow; without, a new one begins') },
            name: { type: 'string', description: trans.__('Name of the workflow') },
            block: { type: 'string', description: trans.__('A block to add to the workflow that was open last, or to a new one') },
            version: { type: 'string', description: trans.__('Its version') },
            draft: { type: 'object', description: trans.__('The workflow as it was edited, but not saved') }
          }
        }
      }
    });
    palette?.addItem({ command: COMMANDS.compose, category: trans.__('Lentiq'), args: { isPalette: true } });
    void restorer?.restore(tracker, {
      command: COMMANDS.compose,
      args: widget => {
        const model = models.get(widget.id);
        const { workflow, saved } = model?.get() ?? {};
        const which = saved ? { project: saved.project, name: saved.name } : {};
        // What is not saved outlives a reload.
        return model?.dirty ? { ...which, draft: workflow as unknown as PartialJSONObject } : which;
      },
      name: widget => {
        const saved = models.get(widget.id)?.get().saved;
        return saved ? `${saved.project}/${saved.name}` : widget.id;
      }
    });
  }
};

interface HostProps extends Pick<ComposerProps, 'tools' | 'isFile'> {
  model: ComposerModel;
  visible: boolean;
  reload: () => void;
}

/** The composer over its model, or why there is nothing to compose. */
export function ComposerHost({ model, visible, reload, ...props }: HostProps) {
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
      {...props}
      log={state.logTask === null ? null : { task: state.logTask, text: log.text, cut: log.cut }}
      visible={visible}
      onChange={workflow => model.change(workflow)}
      onSave={() => void model.save()}
      onReload={() => void model.reload()}
      onOverwrite={() => void model.save(true)}
      onStart={() => void model.start()}
      onCancel={() => void model.cancel()}
      onRefresh={() => void model.refresh()}
      onText={model.text}
      onRead={model.read}
      onLog={task => model.showLog(task)}
      onPause={paused => void model.pause(paused)}
      onBackfill={model.backfill}
    />
  );
}

function Copy({ model, menu }: { model: ComposerModel; menu: Copying['workflow'] }) {
  const { workflow } = useWatched(model);
  return menu(workflow.name, () => model.text(workflow));
}
