/** Names and requirement lines of packages, as far as a form must tell good ones from typing errors. */

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const EXTRAS = `(?:\\s*\\[\\s*${NAME}(?:\\s*,\\s*${NAME})*\\s*\\])?`;
const CLAUSE = '(?:===|==|~=|!=|<=|>=|<|>)\\s*[A-Za-z0-9][A-Za-z0-9.!+*_-]*';
const CLAUSES = `${CLAUSE}(?:\\s*,\\s*${CLAUSE})*`;
const LINE = new RegExp(`^(${NAME})${EXTRAS}\\s*(?:${CLAUSES}|@\\s*\\S+://\\S+)?\\s*(?:;.+)?$`);
const VERSION = /^[0-9][A-Za-z0-9.!+*_-]*$/;

/** A distribution's name as indexes compare it (PEP 503). */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** The canonical name a requirement line is about; null if it is no requirement (PEP 508). */
export function requirementName(line: string): string | null {
  const found = LINE.exec(line.trim())?.[1];
  return found ? canonical(found) : null;
}

/** Whether `name` can be a Debian package (Debian Policy, 5.6.7). */
export function isSystemPackage(name: string): boolean {
  return /^[a-z0-9][a-z0-9.+-]+$/.test(name);
}

/** The requirement line for `name` at what a version field says (`2.1`, `>=2,<3`); null if that is no version. */
export function pinLine(name: string, text: string): string | null {
  const trimmed = text.trim();
  const line = VERSION.test(trimmed) ? `${name}==${trimmed}` : `${name}${trimmed}`;
  return trimmed !== '' && requirementName(line) === canonical(name) && line !== name ? line : null;
}
