/** The panels as one anywidget: which of them, its trait `face` says. */
import type { RenderProps } from '@anywidget/types';
import '@xyflow/react/dist/base.css';
import { createRoot } from 'react-dom/client';
import '../../style/base.css';
import '../../style/composer.css';
import '../../style/run.css';
import { Boundary } from '../views/elements';
import { RunFace } from './RunFace';
import type { Traits } from './traits';
import { WorkflowFace } from './WorkflowFace';

export default {
  render({ model, el }: RenderProps<Traits>): () => void {
    // A box of its own: the host may empty `el` before it cleans up, and React must still find its nodes.
    const box = document.createElement('div');
    box.className = 'lq-widget';
    // Keys pressed in here are not for the notebook around it: its own would delete and paste cells.
    box.dataset['lmSuppressShortcuts'] = 'true';
    el.append(box);
    const root = createRoot(box);
    root.render(
      <Boundary>{model.get('face') === 'run' ? <RunFace model={model} /> : <WorkflowFace model={model} />}</Boundary>
    );
    return () => root.unmount();
  }
};
