import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOfAnswer, notEnabled } from '../src/client/failure';
import type { Input, Inspection, Publish } from '../src/contract';
import { editForm, formFaults, formOf, requestOf, stepsOf, type PublishEdit } from '../src/state/publish';

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
  assert.deepEqual(requestOf(edited()), {
    path: 'work/Clean Sales.ipynb',
    name: 'clean-sales',
    version: null,
    description: '',
    kernel: null,
    no_kernel: false,
    base: null,
    builder: null,
    inputs: [year],
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
    live: null
  });
});

test('what is added, left out and taken back reaches the request once', () => {
  const request = requestOf(
    edited(
      { type: 'add-requirement', line: ' openpyxl>=3 ' },
      { type: 'add-requirement', line: 'openpyxl>=3' },
      { type: 'add-requirement', line: '' },
      { type: 'package', name: 'pandas', keep: false },
      { type: 'package', name: 'numpy', keep: false },
      { type: 'package', name: 'numpy', keep: true },
      { type: 'file', name: 'data.csv', keep: false }
    )
  );
  assert.deepEqual([request.add, request.remove, request.exclude_files], [['openpyxl>=3'], ['pandas'], ['data.csv']]);
});

test('a required input has no default', () => {
  const request = requestOf(edited({ type: 'input', name: 'year', change: { required: true } }));
  assert.deepEqual(request.inputs, [{ ...year, default: null, required: true }]);
});

test('every field that cannot be sent says so', () => {
  const form = edited(
    { type: 'name', text: 'Clean Sales' },
    { type: 'cpu', text: 'much' },
    { type: 'memory', text: '' },
    { type: 'default', name: 'year', text: 'last' }
  );
  assert.deepEqual(Object.keys(formFaults(form)), ['name', 'cpu', 'memory', 'input:year']);
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

test('a 404 that is not ours means that the server half is missing', () => {
  assert.deepEqual(failureOfAnswer(404, '<html>Not Found</html>'), notEnabled);
  assert.deepEqual(failureOfAnswer(404, '{"message": "Not Found", "reason": null}'), notEnabled);
  const ours = { kind: 'NotFound', message: 'No block x.', hint: 'See lentiq block list.', faults: [], log: '' };
  assert.deepEqual(failureOfAnswer(404, JSON.stringify({ error: ours })), ours);
});
