import { useEffect, useRef, useState } from 'react';

/**
 * Turns untrusted Markdown into nodes that are safe to show.
 *
 * The host must leave out everything that runs, loads or covers, and let links open elsewhere.
 */
export type RenderMarkdown = (markdown: string) => Promise<DocumentFragment>;

/** A README. As text until, or unless, somebody renders it. */
export function Readme({ text, render, label }: { text: string; render: RenderMarkdown | null; label: string }) {
  const box = useRef<HTMLElement>(null);
  const [plain, setPlain] = useState(render === null);
  useEffect(() => {
    if (render === null) {
      return;
    }
    let current = true;
    render(text).then(
      nodes => {
        if (current && box.current) {
          box.current.replaceChildren(nodes);
        }
      },
      () => current && setPlain(true)
    );
    return () => {
      current = false;
    };
  }, [text, render]);
  return plain ? (
    <pre className="lq-readme lq-readme-plain" role="document" aria-label={label}>
      {text}
    </pre>
  ) : (
    <article ref={box} className="lq-readme" aria-label={label} />
  );
}
