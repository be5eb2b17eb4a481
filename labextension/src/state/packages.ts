import type { Finding, Inspection, Package } from '../contract';
import type { PublishForm } from './publish';
import { canonical, requirementName } from './requirements';

/** One line of the packages table: what the lock holds, with what the user did to it. */
export interface PackageRow {
  /** Tells rows apart, and is `PublishForm.touched` of an edit made here. */
  key: string;
  name: string;
  /** "" until the resolver has chosen one. */
  version: string;
  witness: string;
  why: string;
  url: string | null;
  state: 'kept' | 'pinned' | 'added' | 'removed';
  /** The requirement line of a pin or an addition; null for others. */
  line: string | null;
  /** What unpinning goes back to; null where nothing is pinned. */
  was: Package | null;
  /** The module an added package was named for; null for other rows. */
  module: string | null;
  /** Left out, yet something still needs it: who. "" otherwise. */
  neededBy: string;
  /** Why the resolver finds no version; "" if it does. */
  fault: string;
}

export interface PackageRows {
  /** Needs of the notebook itself and everything the user touched, by name. */
  direct: PackageRow[];
  /** What they need in turn. */
  along: PackageRow[];
}

/** The packages of an inspection as a form's edits leave them. */
export function packageRows({ lock, facts }: Pick<Inspection, 'lock' | 'facts'>, form: PublishForm): PackageRows {
  const packages = lock?.packages ?? [];
  const faults = unpinned(facts.findings);
  const rowOf = (one: Seen, state: PackageRow['state']) => emptyRow(one, state, faults.get(canonical(one.name)) ?? '');
  const rest = new Map(packages.map(one => [canonical(one.name), one]));
  const take = (name: string): Package | undefined => {
    const found = rest.get(name);
    rest.delete(name);
    return found;
  };
  const direct: PackageRow[] = [];
  for (const { name, was } of form.removed) {
    const still = take(canonical(name));
    const row = rowOf(was ?? still ?? { name, version: '', witness: '', why: '', url: null }, 'removed');
    direct.push({ ...row, neededBy: still && still !== was && still.witness === 'dependency' ? still.why : '' });
  }
  for (const [name, pin] of Object.entries(form.pins)) {
    const now = take(name);
    direct.push({ ...rowOf(now ?? { ...pin.was, version: '' }, 'pinned'), line: pin.line, was: pin.was });
  }
  const additions = [
    ...form.add.map(line => ({ line, module: null as string | null })),
    ...Object.entries(form.answers).map(([module, line]) => ({ line, module }))
  ];
  for (const { line, module } of additions) {
    const name = requirementName(line) ?? line;
    const found = take(name) ?? { name, version: '', witness: 'user', why: '', url: null };
    const key = module === null ? `add:${line}` : `answer:${module}`;
    direct.push({ ...rowOf(found, 'added'), key, line, module });
  }
  const others = [...rest.values()];
  direct.push(...others.filter(one => one.witness !== 'dependency').map(one => rowOf(one, 'kept')));
  return {
    direct: direct.sort(byName),
    along: others.filter(one => one.witness === 'dependency').map(one => rowOf(one, 'kept')).sort(byName)
  };
}

type Seen = Pick<Package, 'name' | 'version' | 'why' | 'url'> & { witness: string };

/** Rows of the user that the resolver found no version for. */
export function unresolvedRows(inspection: Inspection, form: PublishForm): PackageRow[] {
  return packageRows(inspection, form).direct.filter(
    row => row.fault !== '' && (row.state === 'pinned' || row.state === 'added')
  );
}

/** Why packages have no version, by canonical name: a finding names them before its colon. */
function unpinned(findings: readonly Finding[]): Map<string, string> {
  const reasons = findings
    .filter(finding => finding.code === 'unpinned' && finding.message.includes(': '))
    .flatMap(({ message }) => {
      const end = message.indexOf(': ');
      const names = message.slice(0, end).split(', ');
      return names.map(name => [canonical(name), message.slice(end + 2)] as const);
    });
  return new Map(reasons);
}

function emptyRow(one: Seen, state: PackageRow['state'], fault: string): PackageRow {
  const { name, version, witness, why, url } = one;
  const key = `package:${canonical(name)}`;
  return { key, name, version, witness, why, url, state, line: null, was: null, module: null, neededBy: '', fault };
}

function byName(one: PackageRow, other: PackageRow): number {
  return canonical(one.name) < canonical(other.name) ? -1 : 1;
}
