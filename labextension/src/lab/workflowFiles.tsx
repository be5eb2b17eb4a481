import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { ABCWidgetFactory, DocumentWidget, type DocumentRegistry } from '@jupyterlab/docregistry';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import type { Contents } from '@jupyterlab/services';
import { Button, FailureBox, Skeleton, useTrans } from '../views/elements';
import { FaultyFile } from '../views/workflowFile';
import { ComposerHost } from './composer';
import { copying, type Copying } from './copying';
import { workflowIcon } from './icons';
import { COMMANDS, ILentiq } from './link';
import { useWatched, ViewWidget } from './ViewWidget';
import { WorkflowFile } from './workflowFile';

const FILE_TYPE = 'lentiq-workflow';
const FACTORY = 'Workflow Composer';
const EXTENSION = '.workflow.yaml';

type WorkflowDocument = DocumentWidget<ViewWidget, DocumentRegistry.ICodeModel>;

export const workflowFiles: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:workflow-files',
  description: 'Opens workflow files in the composer.',
  autoStart: true,
  requires: [ILentiq],
  optional: [ILayoutRestorer, ILauncher, IDefaultFileBrowser, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lentiq: ILentiq,
    restorer: ILayoutRestorer | null,
    launcher: ILauncher | null,
    browser: IDefaultFileBrowser | null,
    palette: ICommandPalette | null
  ) => {
    const { trans } = lentiq;
    app.docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: trans.__('Workflow'),
      extensions: [EXTENSION, '.workflow.yml'],
      mimeTypes: ['application/yaml'],
      contentType: 'file',
      fileFormat: 'text',
      icon: workflowIcon
    });
    const factory = new WorkflowFactory(lentiq, {
      name: FACTORY,
      label: trans.__('Workflow Composer'),
      modelName: 'text',
      fileTypes: [FILE_TYPE],
      defaultFor: [FILE_TYPE]
    });
    app.docRegistry.addWidgetFactory(factory);
    const tracker = new WidgetTracker<WorkflowDocument>({ namespace: 'lentiq-workflow-files' });
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = workflowIcon;
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
    });
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: widget => ({ path: widget.context.path, factory: FACTORY }),
      name: widget => widget.context.path
    });

    app.commands.addCommand(COMMANDS.newWorkflow, {
      label: args => (args['isLauncher'] ? trans.__('Workflow') : trans.__('New Workflow')),
      caption: trans.__('Begin a workflow file and compose it'),
      icon: args => (args['isPalette'] ? undefined : workflowIcon),
      execute: async args => {
        const cwd = typeof args['cwd'] === 'string' ? args['cwd'] : (browser?.model.path ?? '');
        const made = (await app.commands.execute('docmanager:new-untitled', { path: cwd, type: 'file', ext: EXTENSION })) as
          | Contents.IModel
          | undefined;
        return made && app.commands.execute('docmanager:open', { path: made.path, factory: FACTORY });
      },
      describedBy: {
        args: {
          type: 'object',
          properties: { cwd: { type: 'string', description: trans.__('The folder; without, the one that is shown') } }
        }
      }
    });
    const category = trans.__('Lentiq');
    launcher?.add({ command: COMMANDS.newWorkflow, args: { isLauncher: true }, category, rank: 1 });
    palette?.addItem({ command: COMMANDS.newWorkflow, args: { isPalette: true }, category });
  }
};

class WorkflowFactory extends ABCWidgetFactory<WorkflowDocument, DocumentRegistry.ICodeModel> {
  constructor(
    private readonly lentiq: ILentiq,
    options: DocumentRegistry.IWidgetFactoryOptions<WorkflowDocument>
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.CodeContext): WorkflowDocument {
    const { api, trans, onHint, settings } = this.lentiq;
    const file = new WorkflowFile(api, trans, settings.get().defaultProject, context);
    const { workflow: copyMenu } = copying(this.lentiq);
    const content = new ViewWidget(
      this.lentiq,
      visible => <Host file={file} visible={visible} copyMenu={copyMenu} />,
      visible => file.composer.watch(visible)
    );
    const widget = new DocumentWidget({ content, context });
    widget.toolbar.hide();
    const unhint = onHint(hint => file.composer.hinted(hint));
    widget.disposed.connect(() => {
      unhint();
      file.dispose();
    });
    return widget;
  }
}

function Host({ file, visible, copyMenu }: { file: WorkflowFile; visible: boolean; copyMenu: Copying['workflow'] }) {
  const trans = useTrans();
  const state = useWatched(file);
  if (state.kind === 'faulty') {
    return <FaultyFile key={state.text} text={state.text} failure={state.failure} onMend={file.mend} />;
  }
  if (state.kind === 'workflow') {
    return (
      <ComposerHost
        model={file.composer}
        visible={visible}
        reload={() => void file.read()}
        isFile
        tools={
          <>
            <FileCopy file={file} copyMenu={copyMenu} />
            <Button kind="primary" title={trans.__('Ctrl+S')} onClick={() => void file.save()}>
              {trans.__('Save file')}
            </Button>
          </>
        }
      />
    );
  }
  return (
    <section className="lq-root lq-publish" aria-label={trans.__('Workflow file')}>
      <div className="lq-scroll">
        {state.kind === 'unread' ? (
          <FailureBox failure={state.failure} onRetry={() => void file.read()} />
        ) : (
          <Skeleton label={trans.__('Reading the file…')} />
        )}
      </div>
    </section>
  );
}

function FileCopy({ file, copyMenu }: { file: WorkflowFile; copyMenu: Copying['workflow'] }) {
  const { workflow } = useWatched(file.composer);
  return copyMenu(workflow.name, () => file.composer.text(workflow), file.context.path);
}
