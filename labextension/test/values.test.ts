import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Input } from '../src/contract';
import { freeName, isName, slug } from '../src/state/names';
import { formatCpu, formatMemory, parseCpu, parseMemory, readableBytes } from '../src/state/resources';
import { formatInput, formatValue, parseReference, parseValue, readForm, reference } from '../src/state/values';

const input = (over: Partial<Input>): Input => ({
  name: 'x',
  type: 'str',
  default: null,
  required: false,
  description: '',
  secret: false,
  ...over
});

test('names are what an image repository and a host label both allow', () => {
  assert.deepEqual(
    ['clean-sales', 'a', 'a--b', '-a', 'Clean', 'a_b', 'a'.repeat(50), 'a'.repeat(51), ''].map(isName),
    [true, true, false, false, false, false, true, false, false]
  );
  assert.equal(slug('work/Clean Sales (v2).ipynb'), 'clean-sales-v2');
  assert.equal(slug('…'), 'notebook');
  assert.equal(freeName('clean', ['clean', 'clean-2']), 'clean-3');
});

test('amounts read and write the Kubernetes notation', () => {
  assert.deepEqual(['500m', '2', '0.5', '0', '', 'x', '1.5m'].map(parseCpu), [500, 2000, 500, null, null, null, null]);
  assert.deepEqual(['1Gi', '512Mi', '2G', '1.5Gi', '12', '0', 'x'].map(parseMemory), [
    2 ** 30,
    2 ** 29,
    2e9,
    1.5 * 2 ** 30,
    12,
    null,
    null
  ]);
  assert.deepEqual([formatCpu(2000), formatCpu(1500), formatMemory(2 ** 30), formatMemory(1000)], ['2', '1500m', '1Gi', '1000']);
  assert.deepEqual([0, 999, 14_200_000, 999_600].map(readableBytes), ['0 B', '999 B', '14.2 MB', '1 MB']);
});

test('texts become values of the input’s type or a fault', () => {
  assert.deepEqual(parseValue('int', ' 12 '), { value: 12, fault: null });
  assert.deepEqual(parseValue('float', '1e3'), { value: 1000, fault: null });
  assert.deepEqual(parseValue('bool', 'true'), { value: true, fault: null });
  assert.deepEqual(parseValue('str', '12'), { value: '12', fault: null });
  assert.deepEqual(parseValue('json', '{"a": [1]}'), { value: { a: [1] }, fault: null });
  for (const [type, text] of [['int', '1.5'], ['float', ''], ['float', 'Infinity'], ['bool', 'yes'], ['json', '{']] as const) {
    assert.notEqual(parseValue(type, text).fault, null, `${type} ${text}`);
  }
});

test('a value survives being shown in a field', () => {
  for (const [type, value] of [['int', -3], ['float', 0.1], ['bool', false], ['str', 'a "b"'], ['json', { a: null }]] as const) {
    assert.deepEqual(parseValue(type, formatValue(value)).value, value);
  }
});

test('a form gives only what differs from the defaults, and asks for what is required', () => {
  const inputs = [
    input({ name: 'country', default: 'RO' }),
    input({ name: 'year', type: 'int', default: 2025 }),
    input({ name: 'source', required: true }),
    input({ name: 'rate', type: 'float', default: 0.1 })
  ];
  assert.deepEqual(readForm(inputs, { country: 'BG', year: '2025', source: '', rate: 'x' }), {
    values: { country: 'BG' },
    faults: { source: 'Needs a value.', rate: 'Write a number.' }
  });
});

test('references to outputs read back as they are written', () => {
  assert.deepEqual(parseReference(reference('clean-sales', 'table')), { task: 'clean-sales', output: 'table' });
  assert.deepEqual([parseReference('table'), parseReference(3), parseReference(undefined)], [null, null, null]);
});

test('a secret input takes the name of a stored secret, never a value', () => {
  const secret: Input = { name: 'TOKEN', type: 'str', default: null, required: true, description: '', secret: true };
  assert.deepEqual(readForm([secret], { TOKEN: '' }), { values: {}, faults: {} });
  assert.deepEqual(readForm([secret], { TOKEN: 'OTHER' }), { values: { TOKEN: '${{ secrets.OTHER }}' }, faults: {} });
  const said = 'Write the name of a stored secret, never its value.';
  assert.deepEqual(readForm([secret], { TOKEN: 'ghp-1234 5678' }), { values: {}, faults: { TOKEN: said } });
  assert.equal(formatInput(secret, '${{ secrets.OTHER }}'), 'OTHER');
});
