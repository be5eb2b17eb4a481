export const NAME_LIMIT = 50;

/** Whether `name` may name a block, task, workflow or project (an RFC 1123 label without double hyphens). */
export function isName(name: string): boolean {
  return name.length <= NAME_LIMIT && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name);
}

/** Whether `name` may name an input or output (an ASCII Python identifier). */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** The nearest valid name to `text`, a path or title: `Clean Sales (v2).ipynb` gives `clean-sales-v2`. */
export function slug(text: string): string {
  const stem = (text.split('/').pop() ?? text).replace(/\.ipynb$/, '').toLowerCase();
  const joined = stem.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return joined.slice(0, NAME_LIMIT).replace(/-+$/, '') || 'notebook';
}

/** `name`, or `name-2`, `name-3` … if it is taken. */
export function freeName(name: string, taken: readonly string[]): string {
  let candidate = name;
  for (let number = 2; taken.includes(candidate); number += 1) {
    const suffix = `-${number}`;
    candidate = name.slice(0, NAME_LIMIT - suffix.length) + suffix;
  }
  return candidate;
}

/** The name of the workflow that a file is begun for: `jobs/Nightly Sales.workflow.yaml` gives `nightly-sales`. */
export function nameOfFile(path: string): string {
  return slug(path.replace(/\.workflow\.ya?ml$/, ''));
}
