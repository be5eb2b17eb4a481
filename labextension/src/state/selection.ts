/** What is chosen in the graph: tasks, and links between tasks by their ids. */
export interface Selection {
  tasks: readonly string[];
  links: readonly string[];
}

export const NOTHING: Selection = { tasks: [], links: [] };

export function onlyTask(task: string | null): Selection {
  return task === null ? NOTHING : { tasks: [task], links: NOTHING.links };
}

/** One thing that became chosen, or is chosen no more. */
export interface Choice {
  id: string;
  chosen: boolean;
}

/** `ids` after these choices; what is chosen last stands last. The same array if nothing changes. */
export function chosenAfter(ids: readonly string[], choices: readonly Choice[]): readonly string[] {
  const after = new Set(ids);
  choices.forEach(({ id, chosen }) => (chosen ? after.add(id) : after.delete(id)));
  const same = after.size === ids.length && ids.every(id => after.has(id));
  return same ? ids : [...after];
}

/** Without what is not there any more; the same value if all of it is. */
export function present(selection: Selection, tasks: ReadonlySet<string>, links: ReadonlySet<string>): Selection {
  const kept = { tasks: selection.tasks.filter(one => tasks.has(one)), links: selection.links.filter(one => links.has(one)) };
  return kept.tasks.length === selection.tasks.length && kept.links.length === selection.links.length ? selection : kept;
}
