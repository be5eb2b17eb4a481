import { useEffect, useState } from 'react';
import type { Workflow } from '../../contract';
import type { Places } from '../../state/layout';

/** Where people put the tasks of workflows, for as long as the page is open. */
const kept = new Map<string, Places>();

/** Where people put the tasks of this workflow (null: nowhere yet), and how to change that. */
export function usePlaces({ project, name, revision }: Workflow): [Places | null, (places: Places | null) => void] {
  const key = `${project}/${name}`;
  const [state, setState] = useState<{ key: string; places: Places | null }>({ key, places: null });
  if (state.key !== key) {
    // Loaded, or renamed: what was moved before it had that name stays where it is.
    setState({ key, places: kept.get(key) ?? state.places });
  }
  useEffect(() => {
    // A new workflow has the name of every new one.
    if (revision > 0 && state.places !== null) {
      kept.set(state.key, state.places);
    }
  }, [revision, state]);
  return [
    state.places,
    places => {
      if (places === null) {
        kept.delete(key);
      }
      setState({ key, places });
    }
  ];
}
