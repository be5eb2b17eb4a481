import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../src/client/api';
import type { Block, BlockDiff, BlockUse } from '../src/contract';
import { comparedVersion, initialPage, reducePage, shownVersion, usingWorkflows } from '../src/state/blockPage';
import { EVERYTHING, parseSearch, shortDigest, shortReference, webAddress, withFilter } from '../src/state/catalogue';
import { changeKind, countLines, diffLines, isSame } from '../src/state/diff';
import { itemAfterKey } from '../src/state/keys';

test('a search is words and typed filters', () => {
  assert.deepEqual(parseSearch('  clean  sales owner:ana input:country '), {
    ...EVERYTHING,
    words: 'clean sales',
    owner: 'ana',
    input: 'country'
  });
  assert.deepEqual(parseSearch('Owner:"Ana Pop" x', false), { words: 'x', owner: 'Ana Pop', input: '', deprecated: false });
  assert.deepEqual(parseSearch('owner:ana owner:mihai'), { ...EVERYTHING, owner: 'mihai' });
});

test('a filter that is being typed asks for nothing yet', () => {
  assert.deepEqual([parseSearch('owner:'), parseSearch('owner:"'), parseSearch('')], [EVERYTHING, EVERYTHING, EVERYTHING]);
  assert.deepEqual(parseSearch('author:ana'), { ...EVERYTHING, words: 'author:ana' });
});

test('a filter takes the place of another of its kind', () => {
  assert.equal(withFilter('sales owner:ana', 'owner', 'Ana Pop'), 'sales owner:"Ana Pop"');
  assert.equal(withFilter('owner:"Ana Pop" sales', 'input', 'x'), 'owner:"Ana Pop" sales input:x');
  assert.equal(parseSearch(withFilter('', 'owner', 'a "b" c')).owner, 'a b c');
});

test('only the address of a web page becomes a link', () => {
  assert.equal(webAddress('https://github.com/acme/sales'), 'https://github.com/acme/sales');
  for (const text of ['git@github.com:acme/sales.git', 'javascript:alert(1)', '/lab/api', 'other.md', '', 'https://', 'https://a:b@c.d/']) {
    assert.equal(webAddress(text), null, text);
  }
});

test('digests are as long as people compare', () => {
  assert.deepEqual(
    [shortDigest(`sha256:${'a'.repeat(64)}`), shortDigest('4be1f0c8d29', 10), shortDigest('abc'), shortReference(`x:1@sha256:${'b'.repeat(64)}`)],
    ['sha256:aaaaaaaaaaaa…', '4be1f0c8d2…', 'abc', 'x:1@sha256:bbbbbbbbbbbb…']
  );
});

test('the lines of a difference say what they are', () => {
  const text = 'nbdiff a b\n--- a\n+++ b\n## modified /cells/0/source:\n@@ -1 +1 @@\n-  x = 1\n+  x = 2\n+  --- y\n   z\n\n';
  const lines = diffLines(text);
  assert.deepEqual(
    lines.map(line => line.kind),
    ['place', 'place', 'place', 'head', 'place', 'old', 'new', 'new', 'same']
  );
  assert.deepEqual(countLines(lines), { added: 2, removed: 1 });
  assert.deepEqual(diffLines('\n'), []);
});

const block = (version: string): Block => ({ version, spec: { name: 'clean' } }) as Block;

test('two versions are the same when nothing but their size differs', () => {
  const same: BlockDiff = {
    old: { ...block('1'), size: 1 },
    new: { ...block('2'), size: 2 },
    cells: '',
    inputs: [],
    outputs: [],
    packages: [],
    files: [],
    settings: [],
    shared_layers: 0,
    shared_bytes: 0
  };
  assert.deepEqual([isSame(same), isSame({ ...same, cells: '+ x' }), isSame({ ...same, files: [{ name: 'a', old: null, new: '1' }] })], [
    true,
    false,
    false
  ]);
  const changes = [
    { name: 'a', old: null, new: '1' },
    { name: 'a', old: '1', new: null },
    { name: 'a', old: '1', new: '2' }
  ];
  assert.deepEqual(changes.map(changeKind), ['added', 'removed', 'changed']);
});

test('a version is compared with the one before it, the oldest with the one after it', () => {
  const versions = ['3', '2', '1'].map(block);
  const [three, two, one] = versions as [Block, Block, Block];
  assert.equal(shownVersion(initialPage, versions), three);
  assert.equal(comparedVersion(initialPage, versions, three), two);
  assert.equal(comparedVersion(initialPage, versions, one), two);
  assert.equal(comparedVersion({ ...initialPage, other: '1' }, versions, three), one);
  assert.equal(comparedVersion({ ...initialPage, other: '3' }, versions, three), two);
  assert.equal(comparedVersion(initialPage, [one], one), undefined);
  assert.equal(shownVersion({ ...initialPage, version: '9' }, versions), undefined);
});

test('showing another version takes open questions back', () => {
  const asking = reducePage({ ...initialPage, other: '1' }, { type: 'ask', question: 'remove-used' });
  assert.deepEqual(reducePage(asking, { type: 'version', version: '2' }), { ...initialPage, version: '2' });
});

test('a workflow that uses a block by several tasks is listed once', () => {
  const use = (project: string, workflow: string, task: string): BlockUse => ({ project, workflow, task, version: '1' });
  const uses = [use('default', 'nightly', 'a'), use('finance', 'nightly', 'a'), use('default', 'nightly', 'b')];
  assert.deepEqual(
    usingWorkflows(uses).map(one => [one.project, one.workflow, one.uses.map(each => each.task)]),
    [
      ['default', 'nightly', ['a', 'b']],
      ['finance', 'nightly', ['a']]
    ]
  );
});

test('arrow keys go round a list, and nowhere without one', () => {
  const keys = { back: 'ArrowUp', on: 'ArrowDown' };
  assert.deepEqual(
    ['ArrowDown', 'ArrowUp', 'End', 'ArrowLeft'].map(key => itemAfterKey([1, 2, 3], 1, key, keys)),
    [2, 3, 3, null]
  );
  assert.equal(itemAfterKey([], 1, 'ArrowDown', keys), null);
});

test('requests are escaped, and ask only for what is said', async () => {
  const asked: string[] = [];
  const api = new Api((method, path, body) => {
    asked.push([method, path, body === undefined ? '' : JSON.stringify(body)].join(' ').trim());
    return Promise.resolve({ status: 200, text: '{"blocks": [], "users": []}' });
  });
  await api.blocks(EVERYTHING);
  await api.blocks({ ...EVERYTHING, words: 'a&b c', owner: 'Ana', deprecated: false });
  await api.diffBlocks('clean@1', 'clean@2');
  await api.blockUsers('clean');
  await api.deprecateBlock('clean', '1', null);
  await api.removeBlock('clean', '1', true);
  await api.removeBlock('clean', '1', false);
  assert.deepEqual(asked, [
    'GET blocks',
    'GET blocks?words=a%26b+c&owner=Ana&deprecated=false',
    'GET blocks/diff?old=clean%401&new=clean%402',
    'GET blocks/clean/users',
    'PUT blocks/clean/1/deprecation {"reason":null}',
    'DELETE blocks/clean/1?force=true',
    'DELETE blocks/clean/1'
  ]);
});
