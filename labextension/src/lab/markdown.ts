import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { webAddress } from '../state/catalogue';
import type { RenderMarkdown } from '../views/blocks';

// What a README needs to be read, and nothing else. JupyterLab's own list is longer: it also lets through
// buttons that run commands, forms, and styles and classes that could cover or imitate other parts of the page.
const TAGS = [
  'a b blockquote br caption code col colgroup dd del details dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd',
  'li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var'
].flatMap(line => line.split(' '));
const ATTRIBUTES = {
  a: ['href', 'title'],
  img: ['src', 'alt', 'title', 'width', 'height'],
  ol: ['start'],
  td: ['align', 'colspan', 'rowspan'],
  th: ['align', 'colspan', 'rowspan'],
  '*': ['dir', 'lang']
};
const IMAGE_DATA = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;

/** Renders untrusted Markdown by JupyterLab's parser and sanitizer; null where it has no parser. */
export function markdownRenderer(registry: IRenderMimeRegistry | null): RenderMarkdown | null {
  const parser = registry?.markdownParser;
  if (!registry || !parser) {
    return null;
  }
  return async markdown => {
    const html = registry.sanitizer.sanitize(await parser.render(markdown), {
      allowedTags: TAGS,
      allowedAttributes: ATTRIBUTES,
      allowedStyles: {}
    });
    // A document of its own loads nothing, so that links and images can be seen to before anything is fetched.
    const { body } = new DOMParser().parseFromString(html, 'text/html');
    body.querySelectorAll('img').forEach(tameImage);
    body.querySelectorAll('a').forEach(tameLink);
    const nodes = document.createDocumentFragment();
    nodes.append(...[...body.childNodes].map(node => document.importNode(node, true)));
    return nodes;
  };
}

/** Only images that the text itself holds are shown: others would tell their server who reads this. */
function tameImage(image: HTMLImageElement): void {
  const source = image.getAttribute('src') ?? '';
  if (IMAGE_DATA.test(source)) {
    return;
  }
  const instead = image.ownerDocument.createElement(webAddress(source) ? 'a' : 'em');
  instead.setAttribute('href', source);
  instead.textContent = image.alt || source.split('/').pop() || source;
  image.replaceWith(instead);
}

/** Links to pages open elsewhere and learn nothing; whatever else a link points to, it is only text. */
function tameLink(link: HTMLAnchorElement): void {
  const address = webAddress(link.getAttribute('href') ?? '');
  if (address === null) {
    link.removeAttribute('href');
    return;
  }
  link.href = address;
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
}
