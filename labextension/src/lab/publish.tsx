import { ILabShell, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { DockLayout } from '@lumino/widgets';
import { RequestError } from '../client/failure';
import type { Block } from '../contract';
import { PublishPanel } from '../views/publish';
import { copying } from './copying';
import { blockIcon } from './icons';
import { COMMANDS, ILentiq, ILentiqSidebar } from './link';
import { PublishSession, type NotebookSource } from './publishSession';
import { useWatched, ViewWidget } from './ViewWidget';

export const publish: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:plugin',
  description: 'Publishes the open notebook as a block: toolbar button, panel, live progress.',
  autoStart: true,
  requires: [ILentiq, INotebookTracker, IDocumentManager],
  optional: [ILentiqSidebar, ILabShell, ICommandPalette, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    lentiq: ILentiq,
    notebooks: INotebookTracker,
    documents: IDocumentManager,
    sidebar: ILentiqSidebar | null,
    labShell: ILabShell | null,
    palette: ICommandPalette | null,
    browsers: IFileBrowserFactory | null
  ) => {
    const { trans } = lentiq;
    const sessions = new Map<string, PublishSession>();
    const menus = copying(lentiq);
    lentiq.onHint(hint => sessions.forEach(session => session.hinted(hint)));

    const sourceOf = (path: string): NotebookSource => {
      const panel = () => documents.findWidget(path, 'Notebook') as NotebookPanel | undefined;
      return {
        path,
        save: async () => {
          const context = panel()?.context;
          if (!context?.model.dirty) {
            return;
          }
          if (context.model.readOnly) {
            throw notSaved(trans.__('The notebook is read-only, and has changes that are not saved.'), trans.__('Save a copy, and publish that.'));
          }
          try {
            await context.save();
          } catch {
            // Lab has asked or told why: another hand changed the file, or it cannot be written.
            throw notSaved(trans.__('The notebook was not saved, so what you see is not what would be published.'), trans.__('Save it, then read it again.'));
          }
        },
        kernelId: () => panel()?.sessionContext.session?.kernel?.id ?? null
      };
    };
    const showCell = async (path: string, cell: number) => {
      const panel = documents.openOrReveal(path, 'Notebook') as NotebookPanel | undefined;
      if (panel) {
        await panel.context.ready;
        panel.content.deselectAll();
        panel.content.activeCellIndex = cell;
        await panel.content.scrollToItem(cell, 'center');
        panel.content.activate();
      }
    };
    const copy = (reference: string) => {
      Clipboard.copyToSystem(reference);
      Notification.success(trans.__('Copied %1', reference), { autoClose: 2000 });
    };

    const open = (path: string): void => {
      const id = `lentiq-publish:${path}`;
      const session = sessions.get(path) ?? new PublishSession(lentiq.api, sourceOf(path), () => sidebar?.refresh());
      sessions.set(path, session);
      if (!session.working) {
        void session.read();
      }
      const shown = [...app.shell.widgets('main')].find(widget => widget.id === id);
      if (shown) {
        app.shell.activateById(id);
        return;
      }
      const calls = {
        onEdit: session.edit.bind(session),
        onPublish: () => void session.publish(),
        onCancel: () => void session.cancel(),
        onRead: () => void session.read(),
        onReset: session.reset.bind(session),
        onCell: (cell: number) => void showCell(path, cell),
        onCopy: copy,
        tools: menus.publish,
        onAddToWorkflow: (block: Block) =>
          void app.commands.execute(COMMANDS.compose, { block: block.spec.name, version: block.version }),
        onRun: (block: Block) => sidebar?.showBlock(block, { run: true }),
        onShow: (block: Block) => sidebar?.showBlock(block, { run: false })
      };
      function Host() {
        return <PublishPanel path={path} stage={useWatched(session)} {...calls} />;
      }
      const widget = new MainAreaWidget({ content: new ViewWidget(lentiq, () => <Host />) });
      widget.id = id;
      widget.title.label = trans.__('Publish %1', PathExt.basename(path));
      widget.title.caption = path;
      widget.title.icon = blockIcon;
      widget.title.closable = true;
      widget.disposed.connect(() => {
        if (!session.working) {
          session.dispose();
          sessions.delete(path);
        }
      });
      app.shell.add(widget, 'main', besides(labShell, documents.findWidget(path, 'Notebook')?.id));
      app.shell.activateById(id);
    };

    const selectedPath = () =>
      [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])].find(item => item.type === 'notebook')?.path;
    const currentPath = () => notebooks.currentWidget?.context.path;

    app.commands.addCommand(COMMANDS.publish, {
      label: trans.__('Publish as Block'),
      caption: trans.__('Publish this notebook as a reusable block'),
      icon: args => (args['selected'] || args['toolbar'] ? blockIcon : undefined),
      isEnabled: args => args['path'] !== undefined || args['selected'] === true || currentPath() !== undefined,
      execute: args => {
        const given = typeof args['path'] === 'string' ? args['path'] : undefined;
        const path = given ?? (args['selected'] ? selectedPath() : currentPath());
        if (path !== undefined) {
          open(path);
        }
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string', description: trans.__('The notebook; the current one if it is not given') },
            selected: { type: 'boolean', description: trans.__('The notebook selected in the file browser') },
            toolbar: { type: 'boolean', description: trans.__('Whether it is shown in a toolbar') }
          }
        }
      }
    });
    notebooks.currentChanged.connect(() => app.commands.notifyCommandChanged(COMMANDS.publish));
    palette?.addItem({ command: COMMANDS.publish, category: trans.__('Lentiq') });
  }
};

/** Beside the notebook, so that its cells stay in sight; as a tab where there is no room to split. */
function besides(labShell: ILabShell | null, notebook: string | undefined): { mode: DockLayout.InsertMode; ref?: string } {
  const wide = labShell !== null && labShell.node.clientWidth >= 1000;
  return notebook && wide ? { mode: 'split-right', ref: notebook } : { mode: 'tab-after' };
}

function notSaved(message: string, hint: string): RequestError {
  return new RequestError({ kind: 'NotSaved', message, hint, faults: [], log: '' });
}
