import { lazy, Suspense, type ComponentProps } from 'react';
import { Skeleton, useTrans } from '../elements';
import type { Graph as Drawn } from './Graph';

// What draws graphs is two fifths of all there is to load: it is fetched when the first graph is looked at.
const Loaded = lazy(async () => ({ default: (await import('./Graph')).Graph }));

/** The graph of a workflow, once what draws it is there. */
export function Graph(props: ComponentProps<typeof Drawn>) {
  const trans = useTrans();
  return (
    <Suspense fallback={<Skeleton label={trans.__('Drawing the graph…')} />}>
      <Loaded {...props} />
    </Suspense>
  );
}
