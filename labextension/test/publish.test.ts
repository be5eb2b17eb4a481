import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOfAnswer, notEnabled } from '../src/client/failure';
import type { FileFact, Input, Inspection, Package, Publish, SecretFact } from '../src/contract';
import { packageRows, unresolvedRows } from '../src/state/packages';
import { publishLog, roundsOf, stepsOf } from '../src/state/progress';
import {
  changesOf,
  editForm,
  formFaults,
  formOf,
  isUntouched,
  openErrors,
  openImports,
  rebaseForm,
  requestOf,
  secretInputs,
  type PublishEdit
} from '../src/state/publish';
import { pinLine, requirementName } from '../src/state/requirements';

const year: Input = { name: 'year', type: 'int', default: 2025, required: false, description: '', secret: false };
const inspection: Inspection = {
  facts: {
    notebook: 'Clean Sales.ipynb',
    sha256: '',
    kernel: 'python3',
    language: 'python',
    cells: 1,
    imports: [],
    installs: [],
    hidden: [],
    inputs: [year],
    outputs: [],
    environment: [],
    files: [],
    data: [],
    system: [],
    secrets: [],
    last_run: null,
    findings: []
  },
  lock: null,
  python_executable: null,
  unresolved: [],
  unused: [],
  system: [],
  live: false,
  proof: 'run',
  proof_reason: ''
};
const edited = (...edits: PublishEdit[]) => edits.reduce(editForm, formOf('work/Clean Sales.ipynb', inspection));

test('an untouched form asks for what analysis found', () => {
  assert.deepEqual(requestOf(edited(), inspection), {
    path: 'work/Clean Sales.ipynb',
    name: 'clean-sales',
    version: null,
    description: '',
    kernel: null,
    no_kernel: false,
    base: null,
    builder: null,
    inputs: null,
    add: [],
    remove: [],
    include_files: [],
    exclude_files: [],
    add_system: [],
    remove_system: [],
    secrets: [],
    resources: { cpu_millicores: 500, memory_bytes: 2 ** 30 },
    verify: true,
    proof: null,
    live: null,
    platform: null,
    dockerfile_lines: [],
    dockerfile: null
  });
});

const pandas: Package = {
  name: 'pandas',
  version: '2.2.3',
  witness: 'kernel',
  why: 'import pandas, cell 2',
  hashes: [],
  url: null
};
const numpy: Package = { ...pandas, name: 'numpy', version: '1.26.4', witness: 'dependency', why: 'needed by pandas' };
const place = { file: 'Clean Sales.ipynb', line: 2, cell: 3 };
const big: FileFact = { path: 'big.csv', size: 9e9, kind: 'data', place, large: true };
const small: FileFact = { path: 'small.csv', size: 9, kind: 'data', place, large: false };
const token: SecretFact = { kind: 'a token', source: 'cell', place, name: 'token' };

test('what is added, pinned, left out and taken back reaches the request once', () => {
  const form = edited(
    { type: 'add-requirement', line: ' openpyxl>=3 ' },
    { type: 'add-requirement', line: 'openpyxl>=3' },
    { type: 'add-requirement', line: 'xlrd' },
    { type: 'drop-requirement', line: 'xlrd' },
    { type: 'pin', was: pandas, line: 'pandas==2.1' },
    { type: 'remove', name: 'torch', was: null },
    { type: 'remove', name: 'numpy', was: numpy },
    { type: 'restore', name: 'numpy' }
  );
  assert.deepEqual(changesOf(form), { add: ['openpyxl>=3', 'pandas==2.1'], remove: ['torch'] });
  assert.deepEqual(changesOf(editForm(form, { type: 'unpin', name: 'pandas' })).add, ['openpyxl>=3']);
});

test('leaving a pinned package out drops the pin; taking it back brings the version that was found', () => {
  const pinned = edited({ type: 'pin', was: pandas, line: 'pandas==2.1' });
  const again = editForm(pinned, { type: 'pin', was: { ...pandas, version: '2.1' }, line: 'pandas==2.0' });
  assert.deepEqual(again.pins['pandas'], { line: 'pandas==2.0', was: pandas });
  const removed = editForm(again, { type: 'remove', name: 'pandas', was: { ...pandas, version: '2.0' } });
  assert.deepEqual([removed.pins, removed.removed], [{}, [{ name: 'pandas', was: pandas }]]);
});

test('a module whose package the user names is explained', () => {
  const open: Inspection = { ...inspection, unresolved: ['warehouse', 'cv'] };
  const form = edited({ type: 'answer', module: 'warehouse', line: 'acme-warehouse>=2' });
  assert.deepEqual(changesOf(form), { add: ['acme-warehouse>=2'], remove: ['warehouse'] });
  assert.deepEqual(openImports(open, form), ['cv']);
  const same = edited({ type: 'answer', module: 'warehouse', line: 'warehouse' });
  assert.deepEqual(changesOf(same), { add: ['warehouse'], remove: [] });
});

const locked = (...packages: Package[]): Inspection => ({
  ...inspection,
  lock: { python: '3.11', packages, requirements: '' }
});

test('the table keeps a row for everything that was changed', () => {
  const form = edited(
    { type: 'pin', was: numpy, line: 'numpy==2.0' },
    { type: 'remove', name: 'pandas', was: pandas },
    { type: 'add-requirement', line: 'openpyxl' }
  );
  const before = packageRows(locked(numpy, pandas), edited());
  assert.deepEqual([before.direct.map(row => row.name), before.along.map(row => row.name)], [['pandas'], ['numpy']]);
  const rows = packageRows(locked({ ...numpy, version: '2.0', witness: 'user' }), form);
  assert.deepEqual(
    rows.direct.map(row => [row.name, row.version, row.state]),
    [
      ['numpy', '2.0', 'pinned'],
      ['openpyxl', '', 'added'],
      ['pandas', '2.2.3', 'removed']
    ]
  );
  assert.deepEqual(rows.along, []);
});

test('a package that is left out but still needed says by whom', () => {
  const form = edited({ type: 'remove', name: 'numpy', was: { ...numpy, witness: 'kernel' } });
  assert.equal(packageRows(locked(numpy, pandas), form).direct[0]?.neededBy, 'needed by pandas');
});

test('what the resolver finds no version for says why in its row', () => {
  const form = edited({ type: 'add-requirement', line: 'no-such>=1' }, { type: 'pin', was: pandas, line: 'pandas==0' });
  const message = 'No_Such, pandas: no version is known, because the index does not have it.';
  const finding = { severity: 'warning', code: 'unpinned', message, place: null } as const;
  const found: Inspection = { ...locked(pandas), facts: { ...inspection.facts, findings: [finding] } };
  assert.deepEqual(
    unresolvedRows(found, form).map(row => [row.name, row.fault]),
    ['no-such', 'pandas'].map(name => [name, 'no version is known, because the index does not have it.'])
  );
  assert.deepEqual(unresolvedRows(locked(pandas), form), []);
});

test('a large file must be decided on; the decision reaches the request', () => {
  const found: Inspection = { ...inspection, facts: { ...inspection.facts, files: [big, small] } };
  assert.deepEqual(Object.keys(formFaults(edited(), [big, small])), ['file:big.csv']);
  const decide = (keep: boolean) => edited({ type: 'file', path: 'big.csv', keep }, { type: 'file', path: 'small.csv', keep });
  const of = (keep: boolean) => requestOf(decide(keep), found);
  assert.deepEqual([of(true).include_files, of(true).exclude_files], [['big.csv'], []]);
  assert.deepEqual([of(false).include_files, of(false).exclude_files], [[], ['big.csv', 'small.csv']]);
  assert.deepEqual(formFaults(decide(true), [big, small]), {});
});

test('a secret in a cell stops a publish until it becomes an input', () => {
  const error = { severity: 'error', code: 'secret', message: 'A token.', place } as const;
  const found: Inspection = { ...inspection, facts: { ...inspection.facts, secrets: [token], findings: [error] } };
  assert.deepEqual(openErrors(found, edited()), [error]);
  const form = edited({ type: 'secret', name: 'token', on: true });
  assert.deepEqual(openErrors(found, form), []);
  assert.deepEqual(requestOf(form, found).secrets, ['token']);
  const input: Input = { name: 'token', type: 'str', default: null, required: true, description: '', secret: true };
  assert.deepEqual(secretInputs(form), [input]);
});

test('a file that holds a secret stops a publish until it is left out', () => {
  const where = { file: 'keys.json', line: 1, cell: null };
  const error = { severity: 'error', code: 'secret', message: 'Keys.', place: where } as const;
  const secret: SecretFact = { kind: 'a private key', source: 'file', place: where, name: '' };
  const found: Inspection = { ...inspection, facts: { ...inspection.facts, secrets: [secret], findings: [error] } };
  assert.deepEqual(openErrors(found, edited()), [error]);
  const form = edited({ type: 'file', path: 'keys.json', keep: false });
  assert.deepEqual([openErrors(found, form), requestOf(form, found).exclude_files], [[], ['keys.json']]);
});

test('a proof is what analysis proposes until the user chooses', () => {
  const of = (...edits: PublishEdit[]) => {
    const { verify, proof } = requestOf(edited(...edits), inspection);
    return [verify, proof];
  };
  assert.deepEqual(of(), [true, null]);
  assert.deepEqual(of({ type: 'proof', proof: 'import' }), [true, 'import']);
  assert.deepEqual(of({ type: 'proof', proof: 'none' }), [false, null]);
});

test('a newer reading keeps edits, and brings new inputs and defaults', () => {
  const after: Inspection = {
    ...inspection,
    facts: { ...inspection.facts, inputs: [{ ...year, default: 2026 }, { ...year, name: 'month' }] }
  };
  const fresh = rebaseForm(edited({ type: 'name', text: 'tidy' }), inspection, after);
  assert.deepEqual([fresh.name, fresh.inputs.map(row => row.text)], ['tidy', ['2026', '2025']]);
  const kept = rebaseForm(edited({ type: 'default', name: 'year', text: '1999' }), inspection, after);
  assert.deepEqual(kept.inputs.map(row => row.text), ['1999', '2025']);
});

test('a form knows whether it was touched', () => {
  assert.equal(isUntouched(edited(), inspection), true);
  const removed = edited({ type: 'remove', name: 'pandas', was: pandas });
  assert.equal(isUntouched(removed, inspection), false);
  assert.equal(isUntouched(editForm(removed, { type: 'restore', name: 'pandas' }), inspection), true);
});

test('requirement lines are told from typing errors', () => {
  const good = ['pandas', 'Pandas_X>=2,<3', 'a[b,c]==1.*', 'x @ https://example.org/x.whl', "y>1; python_version<'3.9'"];
  assert.deepEqual(good.map(requirementName), ['pandas', 'pandas-x', 'a', 'x', 'y']);
  const bad = ['', 'two words', 'pandas==', '>=2', 'x=1', '-e .', 'x @ nowhere'];
  assert.deepEqual(bad.map(requirementName), bad.map(() => null));
  assert.deepEqual(
    ['2.1', '>=2,<3', '', 'new', '2.1; x', ' 1!2.0+cu '].map(text => pinLine('pandas', text)),
    ['pandas==2.1', 'pandas>=2,<3', null, null, null, 'pandas==1!2.0+cu']
  );
});

test('a required input has no default', () => {
  const request = requestOf(edited({ type: 'input', name: 'year', change: { required: true } }), inspection);
  assert.deepEqual(request.inputs, [{ ...year, default: null, required: true }]);
  assert.equal(requestOf(edited(), inspection).inputs, null);
});

test('every field that cannot be sent says so', () => {
  const form = edited(
    { type: 'name', text: 'Clean Sales' },
    { type: 'cpu', text: 'much' },
    { type: 'memory', text: '' },
    { type: 'default', name: 'year', text: 'last' }
  );
  assert.deepEqual(Object.keys(formFaults(form, [])), ['name', 'cpu', 'memory', 'input:year']);
});

test('steps follow the events, and a failure marks the step it happened in', () => {
  const events: Publish['events'] = [
    { step: 'analyse', message: 'read', done: null, total: null },
    { step: 'build', message: 'sending', done: 1, total: 4 }
  ];
  const publish: Publish = { id: 'p', path: '', name: null, state: 'running', events, result: null, error: null };
  const states = (state: Publish['state']) => stepsOf({ ...publish, state }).map(step => step.state);
  assert.deepEqual(states('running'), ['done', 'skipped', 'active', 'pending', 'pending']);
  assert.deepEqual(states('failed'), ['done', 'skipped', 'failed', 'pending', 'pending']);
  assert.deepEqual(states('succeeded'), ['done', 'skipped', 'done', 'skipped', 'skipped']);
  assert.deepEqual(stepsOf(publish)[2], { step: 'build', state: 'active', message: 'sending', share: 0.25 });
  assert.deepEqual(stepsOf({ ...publish, events: [] }).map(step => step.state)[0], 'active');
});

test('a round of repair begins where a build follows a proof, and says what was missing', () => {
  const events = [
    ['build', 'sending'],
    ['verify', 'starting the block'],
    ['verify', 'openpyxl added (the kernel) after cell 4: No module named openpyxl; building again'],
    ['analyse', 'reading'],
    ['build', 'sending'],
    ['verify', 'starting the block'],
    ['verify', 'libgl1 added'],
    ['resolve', 'asking'],
    ['verify', 'starting the block'],
    ['register', 'registering']
  ].map(([step, message]) => ({ step, message, done: null, total: null })) as Publish['events'];
  const publish: Publish = { id: 'p', path: '', name: null, state: 'running', events, result: null, error: null };
  assert.deepEqual(roundsOf(publish), [
    { number: 2, message: 'openpyxl added (the kernel) after cell 4: No module named openpyxl' },
    { number: 3, message: 'libgl1 added' }
  ]);
  assert.deepEqual(roundsOf({ ...publish, events: events.slice(0, 3) }), []);
});

test('a log does not fill with lines that only count', () => {
  const say = (message: string) => ({ step: 'build' as const, message, done: null, total: null });
  const events = ['sending 1 of 3 MB', 'sending 2 of 3 MB', 'sent 3 MB', 'sending 1 of 9 MB'].map(say);
  const publish: Publish = { id: 'p', path: '', name: null, state: 'running', events, result: null, error: null };
  assert.equal(publishLog(publish), 'build     sending 2 of 3 MB\nbuild     sent 3 MB\nbuild     sending 1 of 9 MB');
});

test('a 404 that is not ours means that the server half is missing', () => {
  assert.deepEqual(failureOfAnswer(404, '<html>Not Found</html>'), notEnabled);
  assert.deepEqual(failureOfAnswer(404, '{"message": "Not Found", "reason": null}'), notEnabled);
  const ours = { kind: 'NotFound', message: 'No block x.', hint: 'See lentiq block list.', faults: [], log: '' };
  assert.deepEqual(failureOfAnswer(404, JSON.stringify({ error: ours })), ours);
});

test('instructions of one’s own go in line by line, without the empty ones', () => {
  const lines = editForm(formOf('a.ipynb', inspection), { type: 'dockerfileLines', text: 'ENV A=1\n\n  \nRUN true\n' });
  const request = requestOf(editForm(lines, { type: 'platform', text: ' linux/arm64 ' }), inspection);
  assert.deepEqual([request.platform, request.dockerfile_lines], ['linux/arm64', ['ENV A=1', 'RUN true']]);
});
