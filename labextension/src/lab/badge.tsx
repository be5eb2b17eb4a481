import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, IToolbarWidgetRegistry, ReactWidget } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { Badge, DriftDetails } from '../views/badge';
import { TransContext } from '../views/elements';
import { BadgeModel } from './badgeModel';
import { Feed } from './feed';
import { COMMANDS, ILentiq } from './link';
import { useWatched, ViewWidget } from './ViewWidget';

export const badge: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:badge',
  description: 'Says on the toolbar of a notebook how it stands to the block that was made of it.',
  autoStart: true,
  requires: [ILentiq, INotebookTracker, IToolbarWidgetRegistry],
  activate: (app: JupyterFrontEnd, lentiq: ILentiq, notebooks: INotebookTracker, toolbars: IToolbarWidgetRegistry) => {
    const { api, trans } = lentiq;
    const models = new Map<string, BadgeModel>();

    const show = async (panel: NotebookPanel): Promise<void> => {
      const model = models.get(panel.id);
      const { path } = panel.context;
      if (panel.context.model.dirty) {
        try {
          await panel.context.save();
        } catch {
          return; // Lab has asked or told why.
        }
      }
      const kernel = panel.sessionContext.session?.kernel?.id ?? null;
      const cells = new Feed({ fetch: () => api.drift(path) });
      const packages = new Feed({ fetch: () => api.drift(path, kernel, true) });
      const feeds = [cells, packages];
      function Host() {
        return (
          <DriftDetails
            cells={useWatched(cells)}
            packages={useWatched(packages)}
            onRetry={() => feeds.forEach(feed => void feed.refresh())}
          />
        );
      }
      const body = new ViewWidget(lentiq, () => <Host />, seen => feeds.forEach(feed => feed.watch(seen)));
      body.addClass('lq-drift-host');
      const block = model?.block ?? null;
      const dialog = new Dialog({
        title: block ? trans.__('%1 and %2@%3', panel.title.label, block.spec.name, block.version) : panel.title.label,
        body,
        buttons: [
          Dialog.cancelButton({ label: trans.__('Close') }),
          ...(block ? [Dialog.createButton({ label: trans.__('Show block'), actions: ['block'], accept: false })] : []),
          Dialog.okButton({ label: trans.__('Publish') })
        ],
        // Who finds nothing changed wants out of here.
        ...(model?.get().kind === 'same' ? { defaultButton: 0 } : {})
      });
      const { button } = await dialog.launch();
      if (button.actions.includes('block') && block) {
        await app.commands.execute(COMMANDS.block, { name: block.spec.name, version: block.version });
      } else if (button.accept) {
        await app.commands.execute(COMMANDS.publish, { path });
      }
    };

    toolbars.addFactory<NotebookPanel>('Notebook', 'lentiq-badge', panel => {
      const model = new BadgeModel(api, panel);
      models.set(panel.id, model);
      const unhint = lentiq.onHint(hint => model.hinted(hint));
      panel.disposed.connect(() => {
        unhint();
        model.dispose();
        models.delete(panel.id);
      });
      function Host() {
        const { badge: shown } = useWatched(lentiq.settings);
        const standing = useWatched(model);
        return !shown ? null : (
          <TransContext.Provider value={trans}>
            <Badge standing={standing} onOpen={() => void show(panel)} />
          </TransContext.Provider>
        );
      }
      const widget = ReactWidget.create(<Host />);
      widget.addClass('lq-standing-host');
      return widget;
    });
    app.commands.addCommand(COMMANDS.drift, {
      label: trans.__('Compare Notebook with its Block'),
      isEnabled: () => notebooks.currentWidget !== null,
      execute: () => (notebooks.currentWidget ? show(notebooks.currentWidget) : undefined),
      describedBy: { args: { type: 'object', properties: {} } }
    });
  }
};
