/** The plugins of this extension, each for one purpose. */
import { composer } from './lab/composer';
import { documents } from './lab/documents';
import { publish } from './lab/publish';
import { service } from './lab/service';
import { sidebar } from './lab/sidebar';

export default [service, sidebar, publish, composer, documents];
