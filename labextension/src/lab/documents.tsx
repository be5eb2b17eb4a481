import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, MainAreaWidget } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { distrusted } from '../state/executed';
import { Button, LogView, useTrans } from '../views/elements';
import { blockIcon } from './icons';
import { COMMANDS, ILentiq } from './link';
import { ViewWidget } from './ViewWidget';

/** Executed notebooks are put here, below the server's root folder, to be opened as documents. */
const RUNS_FOLDER = 'lentiq-runs';

export const documents: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:documents',
  description: 'Opens Dockerfiles of blocks and executed notebooks of runs.',
  autoStart: true,
  requires: [ILentiq, IDocumentManager],
  activate: (app: JupyterFrontEnd, lentiq: ILentiq, manager: IDocumentManager) => {
    const { api, trans } = lentiq;
    app.commands.addCommand(COMMANDS.dockerfile, {
      label: trans.__('Show Dockerfile of a Block'),
      execute: async args => {
        const name = String(args['name']);
        const version = String(args['version']);
        const id = `lentiq-dockerfile:${name}@${version}`;
        if (![...app.shell.widgets('main')].some(widget => widget.id === id)) {
          const text = await api.dockerfile(name, version);
          const title = `${name}@${version}`;
          const content = new ViewWidget(lentiq, () => <Dockerfile title={title} text={text} />);
          const widget = new MainAreaWidget({ content });
          widget.id = id;
          widget.title.label = trans.__('Dockerfile of %1', title);
          widget.title.icon = blockIcon;
          widget.title.closable = true;
          app.shell.add(widget, 'main');
        }
        app.shell.activateById(id);
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            name: { type: 'string', description: trans.__('The block') },
            version: { type: 'string', description: trans.__('Its version') }
          },
          required: ['name', 'version']
        }
      }
    });

    app.commands.addCommand(COMMANDS.notebook, {
      label: trans.__('Open Executed Notebook of a Run'),
      execute: async args => {
        const run = String(args['run']);
        const task = String(args['task']);
        const notebook = distrusted(await api.notebook(run, task));
        const contents = app.serviceManager.contents;
        const path = `${RUNS_FOLDER}/${run}-${task}.ipynb`;
        await contents.save(RUNS_FOLDER, { type: 'directory' });
        await contents.save(path, { type: 'notebook', format: 'json', content: notebook });
        const shown = manager.findWidget(path, 'Notebook');
        if (shown) {
          await manager.contextForWidget(shown)?.revert();
        }
        const panel = manager.openOrReveal(path, 'Notebook') as NotebookPanel | undefined;
        const cell = args['cell'];
        if (panel && typeof cell === 'number') {
          await panel.context.ready;
          await panel.revealed;
          panel.content.activeCellIndex = cell;
          await panel.content.scrollToItem(cell, 'center');
        }
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            run: { type: 'string', description: trans.__('Id of the run') },
            task: { type: 'string', description: trans.__('The task') },
            cell: { type: 'number', description: trans.__('Number of the cell to look at, from 0') }
          },
          required: ['run', 'task']
        }
      }
    });
  }
};

function Dockerfile({ title, text }: { title: string; text: string }) {
  const trans = useTrans();
  const label = trans.__('Dockerfile of %1', title);
  return (
    <section className="lq-root lq-document" aria-label={label}>
      <header className="lq-header">
        <h2>{label}</h2>
        <Button icon="copy" onClick={() => Clipboard.copyToSystem(text)}>
          {trans.__('Copy')}
        </Button>
      </header>
      <div className="lq-scroll">
        <LogView text={text} label={label} live={false} />
      </div>
    </section>
  );
}
