import { LabIcon } from '@jupyterlab/ui-components';

/** A block, as in the views; filled by JupyterLab's own icon colour. */
export const blockIcon = new LabIcon({
  name: 'lentiq-jupyter:block',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16">
  <path class="jp-icon3" fill="#616161" d="M8 1 2 4.2v7.6L8 15l6-3.2V4.2zm0 1.2 4.3 2.3L8 6.9 3.7 4.5zM3 5.3l4.5 2.5v5.6L3 11.1zm5.5 8.1V7.8L13 5.3v5.8z"/>
</svg>`
});

/** Three tasks that wait for each other. */
export const workflowIcon = new LabIcon({
  name: 'lentiq-jupyter:workflow',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" d="M1 6h4v1.5h2V4h1V2h6v4H8V5H8v6h0v-1h6v4H8v-2H7V8.5H5V10H1zm1 1v2h2V7zm7-4v2h4V3zm0 8v2h4v-2z"/>
</svg>`
});

/** Something that goes on. */
export const runIcon = new LabIcon({
  name: 'lentiq-jupyter:run',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16">
  <path class="jp-icon3" fill="#616161" d="M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm0 1a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM6.3 4.8 11.4 8l-5.1 3.2z"/>
</svg>`
});
