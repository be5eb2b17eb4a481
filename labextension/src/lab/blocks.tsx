import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { failureOf } from '../client/failure';
import type { Block } from '../contract';
import { BlockPage, type BlockPageProps } from '../views/blocks';
import { BlockModel } from './blockModel';
import { copying } from './copying';
import { blockIcon } from './icons';
import { openImageForm } from './imageForm';
import { COMMANDS, ILentiq, ILentiqSidebar } from './link';
import { markdownRenderer } from './markdown';
import { useWatched, ViewWidget } from './ViewWidget';

type Calls = Omit<BlockPageProps, 'name' | 'state' | 'versions' | 'readme' | 'users' | 'diff' | 'failure' | 'busy'>;

export const blocks: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:blocks',
  description: 'Shows everything about a block, compares its versions, and makes blocks of images.',
  autoStart: true,
  requires: [ILentiq],
  optional: [ILentiqSidebar, IRenderMimeRegistry, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lentiq: ILentiq,
    sidebar: ILentiqSidebar | null,
    rendermime: IRenderMimeRegistry | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const { api, trans } = lentiq;
    const tracker = new WidgetTracker<MainAreaWidget<ViewWidget>>({ namespace: 'lentiq-blocks' });
    const models = new Map<string, BlockModel>();
    const menus = copying(lentiq);
    const renderMarkdown = markdownRenderer(rendermime);
    const run = (command: string, args: { [name: string]: string }) => app.commands.execute(command, args);

    const deprecate = async (model: BlockModel, block: Block, reason: string | null) => {
      if (!(await model.deprecate(block, reason))) {
        return;
      }
      sidebar?.refresh();
      const reference = `${model.name}@${block.version}`;
      const before = block.deprecated;
      Notification.success(
        reason === null ? trans.__('%1 is no longer deprecated', reference) : trans.__('%1 is deprecated', reference),
        {
          autoClose: 10_000,
          actions: [
            {
              label: trans.__('Undo'),
              callback: () => {
                // The page may be closed by now.
                api.deprecateBlock(model.name, block.version, before).then(
                  () => {
                    model.refresh();
                    sidebar?.refresh();
                  },
                  (error: unknown) => Notification.error(failureOf(error).message)
                );
              }
            }
          ]
        }
      );
    };
    const remove = async (model: BlockModel, block: Block, force: boolean) => {
      const last = model.versions.get().value?.length === 1;
      if (await model.remove(block, force)) {
        sidebar?.refresh();
        Notification.success(trans.__('Removed %1@%2', model.name, block.version), { autoClose: 4000 });
        if (last) {
          tracker.find(widget => models.get(widget.id) === model)?.dispose();
        }
      }
    };
    const download = async (model: BlockModel, block: Block) => {
      const answer = await model.ask(api.sbom(model.name, block.version));
      if (answer) {
        save(`${model.name}-${block.version}.cdx.json`, JSON.stringify(answer.done, null, 2));
      }
    };
    const callsOf = (model: BlockModel): Calls => ({
      dispatch: action => model.dispatch(action),
      renderMarkdown,
      onRefresh: () => model.refresh(),
      onDismiss: () => model.doing.dispatch({ failure: null, busy: false }),
      runTools: request => menus.run({ ...request, project: lentiq.settings.get().defaultProject }),
      onRun: async asked => {
        const request = { ...asked, project: lentiq.settings.get().defaultProject };
        const started = await model.ask(api.runBlock(request));
        if (started) {
          model.dispatch({ type: 'ask', question: null });
          sidebar?.showRun(started.done);
        }
      },
      onAddToWorkflow: block => void model.ask(run(COMMANDS.compose, { block: model.name, version: block.version })),
      onDockerfile: block => void model.ask(run(COMMANDS.dockerfile, { name: model.name, version: block.version })),
      onSbom: block => void download(model, block),
      onCopy: text => {
        Clipboard.copyToSystem(text);
        Notification.success(trans.__('Copied %1', text), { autoClose: 2000 });
      },
      onDeprecate: (block, reason) => void deprecate(model, block, reason),
      onRemove: (block, force) => void remove(model, block, force),
      onWorkflow: workflow => void run(COMMANDS.compose, workflow)
    });

    const open = (name: string, version: string | null): void => {
      const id = `lentiq-block:${name}`;
      const shown = models.get(id);
      if (shown) {
        if (version !== null) {
          shown.dispatch({ type: 'version', version });
        }
        app.shell.activateById(id);
        return;
      }
      const model = new BlockModel(api, name);
      model.dispatch({ type: 'version', version });
      const calls = callsOf(model);
      function Host() {
        return (
          <BlockPage
            name={name}
            state={useWatched(model.state)}
            versions={useWatched(model.versions)}
            readme={useWatched(model.readme)}
            users={useWatched(model.users)}
            diff={useWatched(model.diff)}
            {...useWatched(model.doing)}
            {...calls}
          />
        );
      }
      const content = new ViewWidget(lentiq, () => <Host />, visible => model.watch(visible));
      const widget = new MainAreaWidget({ content });
      widget.id = id;
      widget.title.label = name;
      widget.title.caption = trans.__('Block %1', name);
      widget.title.icon = blockIcon;
      widget.title.closable = true;
      models.set(id, model);
      const unhint = lentiq.onHint(hint => model.hinted(hint));
      widget.disposed.connect(() => {
        unhint();
        model.watch(false);
        models.delete(id);
      });
      app.shell.add(widget, 'main', { type: 'Lentiq' });
      void tracker.add(widget);
      app.shell.activateById(id);
    };

    app.commands.addCommand(COMMANDS.block, {
      label: trans.__('Show a Block'),
      execute: args => open(String(args['name']), typeof args['version'] === 'string' ? args['version'] : null),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            name: { type: 'string', description: trans.__('The block') },
            version: { type: 'string', description: trans.__('Its version; the newest if it is not given') }
          },
          required: ['name']
        }
      }
    });
    app.commands.addCommand(COMMANDS.fromImage, {
      label: trans.__('Block from an Image…'),
      caption: trans.__('Describe an existing container image as a block'),
      execute: () =>
        openImageForm(app.shell, lentiq, block => {
          sidebar?.showBlock(block, { run: false });
          const reference = `${block.spec.name}@${block.version}`;
          Notification.success(trans.__('%1 is in the catalogue', reference), {
            autoClose: 6000,
            actions: [{ label: trans.__('Show'), callback: () => open(block.spec.name, block.version) }]
          });
        }),
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: COMMANDS.fromImage, category: trans.__('Lentiq') });
    void restorer?.restore(tracker, {
      command: COMMANDS.block,
      args: widget => ({ name: models.get(widget.id)?.name ?? '' }),
      name: widget => widget.id
    });
  }
};

/** Lets the browser save a text as a file. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
