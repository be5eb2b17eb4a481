import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

/** As `panels/picture.py` marks its outputs. */
const PANEL = 'application/vnd.lentiq.panel+json';
const VIEW = 'application/vnd.jupyter.widget-view+json';
const HTML = 'text/html';
// Before the widgets' own rank, as low as that is.
const RANK = -100;

export const pictures: JupyterFrontEndPlugin<void> = {
  id: 'lentiq-jupyter:pictures',
  description: 'Shows what a panel looked like where the widget of a saved notebook is gone.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_, notebooks: INotebookTracker) => {
    notebooks.widgetAdded.connect((_, { content: { rendermime } }) => {
      rendermime.addFactory({ safe: true, mimeTypes: [PANEL], createRenderer: () => new PanelOutput(rendermime) }, RANK);
    });
  }
};

/** An output of a panel: the widget where it lives, else its picture. */
class PanelOutput extends Panel implements IRenderMime.IRenderer {
  private shown: string | null = null;
  private picture: IRenderMime.IRenderer | null = null;
  private readonly observer = new MutationObserver(() => this.choose());
  private view: IRenderMime.IRenderer | null = null;

  constructor(private readonly rendermime: IRenderMimeRegistry) {
    super();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.picture ??= this.put(HTML);
    await this.picture?.renderModel(model);
    const id = (model.data[VIEW] as { model_id?: string } | undefined)?.model_id ?? null;
    // A new picture of the same widget leaves the widget as it is.
    if (id !== this.shown && model.trusted && this.rendermime.getFactory(VIEW)) {
      this.shown = id;
      this.view?.dispose();
      this.view = this.put(VIEW);
      if (this.view) {
        this.observer.observe(this.view.node, { childList: true, subtree: true, characterData: true });
      }
      await this.view?.renderModel(model);
    }
    this.choose();
  }

  override dispose(): void {
    this.observer.disconnect();
    super.dispose();
  }

  private put(mime: string): IRenderMime.IRenderer | null {
    if (!this.rendermime.getFactory(mime)) {
      return null;
    }
    const made = this.rendermime.createRenderer(mime);
    this.addWidget(made);
    return made;
  }

  /** The widgets' manager says in words that it has no such widget, or none yet. */
  private choose(): void {
    const lives = this.view !== null && !/^(Loading|Error displaying) widget/.test(this.view.node.textContent ?? '');
    this.view?.setHidden(!lives);
    this.picture?.setHidden(lives);
  }
}
