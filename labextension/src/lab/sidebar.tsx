import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { TABS } from '../state/sidebar';
import { Sidebar, type SidebarCallbacks } from '../views/sidebar';
import type { RunRequest } from '../contract';
import { copying } from './copying';
import { blockIcon } from './icons';
import { COMMANDS, ILentiq, ILentiqSidebar } from './link';
import { SidebarModel } from './sidebarModel';
import { useWatched, ViewWidget } from './ViewWidget';

const ID = 'lentiq-sidebar';
const NONE: string[] = [];

export const sidebar: JupyterFrontEndPlugin<ILentiqSidebar> = {
  id: 'lentiq-jupyter:sidebar',
  description: 'Blocks, workflows and runs in the left sidebar.',
  autoStart: true,
  provides: ILentiqSidebar,
  requires: [ILentiq],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lentiq: ILentiq,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): ILentiqSidebar => {
    const { api, trans } = lentiq;
    const model = new SidebarModel(api);
    lentiq.onHint(hint => model.hinted(hint));
    const run = (command: string, args: { [name: string]: string }) => void app.commands.execute(command, args);

    const menus = copying(lentiq);
    const inProject = (request: RunRequest) => ({ ...request, project: lentiq.settings.get().defaultProject });

    const calls: SidebarCallbacks = {
      dispatch: action => model.dispatch(action),
      onRefresh: () => model.refresh(),
      onDismiss: () => model.failure.dispatch(null),
      onRunBlock: request => void model.start(api.runBlock(inProject(request))),
      runTools: request => menus.run(inProject(request)),
      onBlock: name => run(COMMANDS.block, { name }),
      onAddToWorkflow: block => run(COMMANDS.compose, { block: block.spec.name, version: block.version }),
      onFromImage: () => run(COMMANDS.fromImage, {}),
      onCopy: reference => {
        Clipboard.copyToSystem(reference);
        Notification.success(trans.__('Copied %1', reference), { autoClose: 2000 });
      },
      onCompose: workflow => run(COMMANDS.compose, { ...workflow }),
      onStart: ({ workflow }) => void model.start(api.startWorkflow(workflow.project, workflow.name)),
      onPause: ({ workflow }, paused) => void model.ask(api.pauseWorkflow(workflow.project, workflow.name, paused)),
      onDelete: ({ workflow }) => {
        model.dispatch({ type: 'deleting', workflow: null });
        void model.ask(api.deleteWorkflow(workflow.project, workflow.name));
      },
      onRun: one => run(COMMANDS.run, { id: one.id }),
      onCancel: one => void model.ask(api.cancelRun(one.id)),
      onRerun: one => void model.start(api.rerun(one.id)),
      onQuota: (project, quota) => {
        model.dispatch({ type: 'quota', project: null });
        void model.ask(api.saveProject({ name: project, quota }));
      },
      onNotebook: (one, task) => void model.ask(app.commands.execute(COMMANDS.notebook, { run: one.id, task }))
    };
    function Host() {
      const { value: status } = useWatched(model.status);
      return (
        <Sidebar
          state={useWatched(model.state)}
          blocks={useWatched(model.blocks)}
          workflows={useWatched(model.workflows)}
          runs={useWatched(model.runs)}
          projects={useWatched(model.projects)}
          log={useWatched(model.log)}
          failure={useWatched(model.failure)}
          problems={status?.problems ?? NONE}
          author={status?.author ?? null}
          {...calls}
        />
      );
    }

    const widget = new ViewWidget(lentiq, () => <Host />, visible => model.watch(visible));
    widget.id = ID;
    widget.title.icon = blockIcon;
    widget.title.caption = trans.__('Lentiq');
    app.shell.add(widget, 'left', { rank: 550, type: 'Lentiq' });
    restorer?.add(widget, ID);

    app.commands.addCommand(COMMANDS.showSidebar, {
      label: trans.__('Show Blocks, Workflows and Runs'),
      execute: args => {
        const tab = TABS.find(one => one === args['tab']);
        if (tab) {
          model.dispatch({ type: 'tab', tab });
        }
        app.shell.activateById(ID);
      },
      describedBy: {
        args: {
          type: 'object',
          properties: { tab: { type: 'string', enum: [...TABS], description: trans.__('The tab to show; without, the last one') } }
        }
      }
    });
    palette?.addItem({ command: COMMANDS.showSidebar, category: trans.__('Lentiq') });

    return {
      showBlock: (block, options) => {
        const { name } = block.spec;
        model.dispatch({ type: 'show-block', name, runForm: options.run ? `${name}@${block.version}` : null });
        void model.blocks.refresh();
        app.shell.activateById(ID);
      },
      showRun: one => {
        model.show(one);
        app.shell.activateById(ID);
      },
      refresh: () => model.refresh()
    };
  }
};
