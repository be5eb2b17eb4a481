/** The plugins of this extension, each for one purpose. */
import { badge } from './lab/badge';
import { blocks } from './lab/blocks';
import { composer } from './lab/composer';
import { documents } from './lab/documents';
import { pictures } from './lab/pictures';
import { publish } from './lab/publish';
import { run } from './lab/run';
import { service } from './lab/service';
import { sidebar } from './lab/sidebar';
import { status } from './lab/status';
import { workflowFiles } from './lab/workflowFiles';

export default [service, sidebar, blocks, publish, badge, composer, workflowFiles, run, documents, status, pictures];
