import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../src/client/failure';
import {
  answeredFaults,
  commandOf,
  editImage,
  emptyImageForm,
  imageFaults,
  imageRequestOf,
  nameOf,
  ownVariables,
  type ImageEdit,
  type ImageForm
} from '../src/state/imageForm';

const edited = (...edits: ImageEdit[]): ImageForm => edits.reduce(editImage, emptyImageForm);
const SCORE = edited(
  { type: 'image', text: ' ghcr.io:5000/acme/Score_Image:2 ' },
  { type: 'add', rows: 'inputs' },
  { type: 'input', id: 1, change: { name: 'country', text: 'RO' } },
  { type: 'add', rows: 'inputs' },
  { type: 'input', id: 2, change: { name: 'threshold', type: 'float', text: '0.5' } },
  { type: 'add', rows: 'inputs' },
  { type: 'input', id: 3, change: { name: 'TOKEN', secret: true, text: 'left over' } },
  { type: 'add', rows: 'environment' },
  { type: 'variable', id: 4, change: { name: 'LIMIT', value: 'at ${{inputs.threshold}}' } },
  { type: 'command', text: '--country\n${{ inputs.country }}\n  two words\n' },
  { type: 'add', rows: 'outputs' },
  { type: 'output', id: 5, change: { name: 'score', path: '/out/score.json' } },
  { type: 'add', rows: 'outputs' },
  { type: 'output', id: 6, change: { name: 'code', source: 'exit-code', path: 'left over' } }
);

const failure = (message: string, faults: string[] = [], kind = 'BadInput'): Failure => ({ kind, message, hint: '', faults, log: '' });

test('a form becomes the request it stands for', () => {
  assert.deepEqual(imageFaults(SCORE), {});
  assert.deepEqual(imageRequestOf(SCORE), {
    image: 'ghcr.io:5000/acme/Score_Image:2',
    name: 'score-image',
    version: null,
    description: '',
    inputs: [
      { name: 'country', type: 'str', default: 'RO', required: false, description: '', secret: false },
      { name: 'threshold', type: 'float', default: 0.5, required: false, description: '', secret: false },
      { name: 'TOKEN', type: 'str', default: null, required: true, description: '', secret: true }
    ],
    outputs: [
      { name: 'score', description: '', source: '/out/score.json', type: null },
      { name: 'code', description: '', source: 'exit-code', type: null }
    ],
    command: ['--country', '${{ inputs.country }}', '  two words'],
    environment: { LIMIT: 'at ${{inputs.threshold}}' },
    resources: { cpu_millicores: 500, memory_bytes: 2 ** 30 }
  });
});

test('the name follows the image until it is typed', () => {
  const named = (image: string) => nameOf(edited({ type: 'image', text: image }));
  assert.deepEqual(
    ['', 'python', 'python:3.11-slim', 'localhost:5000/a/b', `a/Fast.Score@sha256:${'a'.repeat(64)}`].map(named),
    ['', 'python', 'python', 'b', 'fast-score']
  );
  const typed = edited({ type: 'image', text: 'python' }, { type: 'name', text: 'mine' }, { type: 'image', text: 'busybox' });
  assert.equal(nameOf(typed), 'mine');
});

test('an input that nothing mentions becomes a variable of its own name', () => {
  assert.deepEqual(ownVariables(SCORE), [{ input: 'TOKEN', variable: 'TOKEN' }]);
  assert.deepEqual(ownVariables({ ...SCORE, command: '', environment: [] }).map(one => one.variable), ['COUNTRY', 'THRESHOLD', 'TOKEN']);
});

test('each fault stands at its field', () => {
  const form = edited(
    { type: 'image', text: 'a b' },
    { type: 'name', text: 'No' },
    { type: 'cpu', text: '' },
    { type: 'add', rows: 'inputs' },
    { type: 'input', id: 1, change: { name: 'x', type: 'int', text: 'y' } },
    { type: 'add', rows: 'inputs' },
    { type: 'input', id: 2, change: { name: 'x' } },
    { type: 'add', rows: 'environment' },
    { type: 'variable', id: 3, change: { name: '1', value: '${{ inputs.z }}' } },
    { type: 'add', rows: 'outputs' },
    { type: 'output', id: 4, change: { path: 'out' } },
    { type: 'command', text: '${{ inputs.x }} ${{ inputs.gone }}' }
  );
  assert.deepEqual(Object.keys(imageFaults(form)).sort(), [
    'command',
    'cpu',
    'environment:3:name',
    'environment:3:value',
    'image',
    'inputs:1:default',
    'inputs:1:name',
    'inputs:2:name',
    'name',
    'outputs:4:name',
    'outputs:4:path'
  ]);
  assert.deepEqual(imageFaults(emptyImageForm), {
    image: 'Name an image, as in python:3.11-slim or ghcr.io/acme/score:2.',
    name: 'Use up to 50 lower-case letters, digits and single hyphens, as in clean-sales.'
  });
});

test('what the service says stands at the field it is about, all else on top', () => {
  const gone = failure('There is no image ghcr.io:5000/acme/Score_Image:2.', [], 'NotFound');
  assert.deepEqual(answeredFaults(gone, SCORE), { fields: { image: gone.message }, rest: null });
  const faults = ['inputs[1].default: Not a number.', 'environment.LIMIT: Too long.', 'outputs.score.source: Not a file.', 'odd: Else.'];
  assert.deepEqual(answeredFaults(failure('The request has faults.', faults, 'Invalid'), SCORE), {
    fields: { 'inputs:2:default': 'Not a number.', 'environment:4:value': 'Too long.', 'outputs:5:path': 'Not a file.' },
    rest: failure('The request has faults.', ['odd: Else.'], 'Invalid')
  });
  const output = failure('Output code is odd.');
  assert.deepEqual(answeredFaults(output, SCORE).fields, { 'outputs:6:name': 'Output code is odd.' });
  const down = failure('The registry does not answer.', [], 'Unavailable');
  assert.deepEqual(answeredFaults(down, SCORE), { fields: {}, rest: down });
});

test('a row that is dropped is gone, and its number is not used again', () => {
  const form = editImage(editImage(SCORE, { type: 'drop', rows: 'inputs', id: 2 }), { type: 'add', rows: 'inputs' });
  assert.deepEqual(
    form.inputs.map(row => row.id),
    [1, 3, 7]
  );
  assert.deepEqual(commandOf({ ...SCORE, command: '' }), []);
});
