import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lookWays, magicWord, publishWays, pythonValue, runWays, shellWord, workflowWays } from '../src/state/copyAs';
import { DEFAULT_SETTINGS, readSettings } from '../src/state/settings';

const REQUEST = {
  block: 'clean-sales@3',
  inputs: { country: "it's {RO} $HOME", days: 7, deep: { a: [true, null] }, key: '${{ secrets.API_KEY }}' },
  resources: { cpu_millicores: 500, memory_bytes: 2 ** 30 },
  project: 'lab'
};

test('a run as a command, a magic and Python; what is secret is in none', async () => {
  const { command, magic, python } = runWays(REQUEST);
  const lines = [await command?.(), await magic?.(), await python?.()];
  assert.deepEqual(lines, [
    `lentiq run clean-sales@3 -i 'country=it'"'"'s {RO} $HOME' -i days=7 -i 'deep={"a":[true,null]}' --cpu 500m --memory 1Gi --project lab`,
    `%lentiq run clean-sales@3 -i 'country=it'"'"'s {{RO}} $HOME' -i days=7 -i 'deep={{"a":[true,null]}}' --cpu 500m --memory 1Gi --project lab`,
    'from lentiq_jupyter.connect import connect\nfrom lentiq_jupyter.model import Resources\n\n' +
      `run = connect().run_block("clean-sales@3", {"country": "it's {RO} $HOME", "days": 7, "deep": {"a": [True, None]}}, ` +
      'resources=Resources(cpu_millicores=500, memory_bytes=1073741824), project="lab")\n'
  ]);
  assert.ok(lines.every(line => !line?.includes('API_KEY')));
});

test('a run with nothing given is short', () => {
  assert.equal(runWays({ block: 'plain', inputs: {}, resources: null, project: 'default' }).command?.(), 'lentiq run plain');
});

test('words are quoted only where a shell needs it', () => {
  assert.deepEqual(
    ['a-b@1', 'x=1,2', '', 'two words', '`rm`', '*', '~', 'a\nb', 'é'].map(shellWord),
    ['a-b@1', 'x=1,2', "''", "'two words'", "'`rm`'", "'*'", "'~'", "'a\nb'", "'é'"]
  );
  assert.equal(magicWord('{x}'), "'{{x}}'");
  assert.equal(pythonValue([null, false, 'a"b\n', 1.5]), '[None, False, "a\\"b\\n", 1.5]');
});

test('a publish, with what only the command knows left out of the magic', () => {
  const request = { path: 'my sales.ipynb', name: 'sales', description: '', add: ['pyarrow>=15'], verify: true, proof: 'import' };
  const plain = publishWays(request as never);
  assert.equal(plain.magic?.(), "%lentiq publish 'my sales.ipynb' --name sales --add 'pyarrow>=15' --proof import");
  assert.equal(
    plain.python?.(),
    'from lentiq_jupyter.connect import connect\nfrom lentiq_jupyter.model import PublishRequest\n\n' +
      'result = connect().publish(PublishRequest(path="my sales.ipynb", name="sales", add=("pyarrow>=15",), proof="import"))\n'
  );
  const arm = publishWays({ ...request, verify: false, platform: 'linux/arm64' } as never);
  assert.equal(arm.magic, undefined);
  assert.match(String(arm.command?.()), / --no-verify --platform linux\/arm64$/);
  const year = { name: 'year', type: 'int', default: 2026, required: false, description: 'as in "2026"', secret: false };
  const key = { name: 'key', type: 'str', default: null, required: true, description: '', secret: true };
  const described = publishWays({ path: 'a.ipynb', inputs: [year, key] } as never);
  assert.deepEqual(Object.keys(described), ['python']);
  assert.equal(
    described.python?.(),
    'from lentiq_jupyter.connect import connect\nfrom lentiq_jupyter.model import Input, InputType, PublishRequest\n\n' +
      'result = connect().publish(PublishRequest(path="a.ipynb", inputs=(Input(name="year", type=InputType("int"), default=2026, ' +
      'description="as in \\"2026\\""), Input(name="key", required=True, secret=True),)))\n'
  );
});

test('a workflow and a run, as they are written elsewhere', async () => {
  const yaml = () => Promise.resolve('workflow: w\ntasks: {a: {block: b, inputs: {v: "\\"\\"\\""}}}\n');
  assert.equal(await workflowWays('w', yaml).magic?.(), `%%lentiq workflow w\n${await yaml()}`);
  assert.equal(await workflowWays('w', yaml).command?.(), `lentiq workflow apply - <<'END'\n${await yaml()}END\n`);
  assert.equal(await workflowWays('w', yaml, 'my w.workflow.yaml').command?.(), "lentiq workflow apply 'my w.workflow.yaml'");
  const ways = lookWays('r1', yaml);
  assert.deepEqual([await ways.magic?.(), await ways.command?.()], ['%lentiq watch r1', 'lentiq runs show r1']);
});

test('settings are as the schema says, whatever a document holds', () => {
  const schema = JSON.parse(readFileSync('schema/plugin.json', 'utf-8')) as { properties: { [name: string]: { default: unknown } } };
  const defaults = Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, one.default]));
  assert.deepEqual(defaults, { ...DEFAULT_SETTINGS });
  assert.deepEqual(readSettings(defaults), DEFAULT_SETTINGS);
  assert.deepEqual(readSettings({ badge: 'no', notify: 'loud', defaultProject: 3 }), DEFAULT_SETTINGS);
  const own = { badge: false, notify: 'failures', defaultProject: 'lab', statusBar: false };
  assert.deepEqual(readSettings(own), own);
});
