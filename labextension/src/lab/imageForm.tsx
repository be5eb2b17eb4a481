import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { failureOf, type Failure } from '../client/failure';
import type { Block } from '../contract';
import { editImage, emptyImageForm, imageFaults, imageRequestOf, type ImageForm } from '../state/imageForm';
import { createStore } from '../state/store';
import { ImageFormView } from '../views/blocks';
import { blockIcon } from './icons';
import type { ILentiq } from './link';
import { useWatched, ViewWidget } from './ViewWidget';

interface State {
  form: ImageForm;
  sending: boolean;
  tries: number;
  failure: Failure | null;
}

const ID = 'lentiq-image-form';

/** Opens the form that makes a block of an image, or shows it where it is open; `made` gets the block. */
export function openImageForm(shell: JupyterFrontEnd.IShell, lentiq: ILentiq, made: (block: Block) => void): void {
  const { api, trans } = lentiq;
  if ([...shell.widgets('main')].some(widget => widget.id === ID)) {
    shell.activateById(ID);
    return;
  }
  const store = createStore<State, Partial<State>>((state, change) => ({ ...state, ...change }), {
    form: emptyImageForm,
    sending: false,
    tries: 0,
    failure: null
  });
  const create = async () => {
    const { form } = store.get();
    const tries = store.get().tries + 1;
    if (Object.keys(imageFaults(form)).length > 0) {
      store.dispatch({ tries, failure: null });
      return;
    }
    store.dispatch({ tries, sending: true, failure: null });
    try {
      const block = await api.blockFromImage(imageRequestOf(form));
      widget.dispose();
      made(block);
    } catch (error) {
      store.dispatch({ sending: false, failure: failureOf(error) });
    }
  };
  const calls = {
    onEdit: (edit: Parameters<typeof editImage>[1]) =>
      store.dispatch({ form: editImage(store.get().form, edit), failure: null }),
    onCreate: () => void create(),
    onClose: () => widget.dispose()
  };
  function Host() {
    return <ImageFormView {...useWatched(store)} {...calls} />;
  }
  const widget = new MainAreaWidget({ content: new ViewWidget(lentiq, () => <Host />) });
  widget.id = ID;
  widget.title.label = trans.__('Block from an image');
  widget.title.icon = blockIcon;
  widget.title.closable = true;
  shell.add(widget, 'main', { type: 'Lentiq' });
  shell.activateById(ID);
}
