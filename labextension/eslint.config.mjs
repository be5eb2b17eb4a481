// The rooms of the front end and who may import whom:
//   index -> lab -> views -> state -> client, contract        widget -> views
// lab and widget never meet; views know no host.
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const HOSTS = ['@jupyterlab/*', '@jupyter/*', '@lumino/*', '@anywidget/*', 'anywidget'];
const room = name => `**/${name}/**`;

/** In `files`, forbid importing what `groups` match. */
function forbid(files, groups, message) {
  return {
    files,
    rules: { 'no-restricted-imports': ['error', { patterns: [{ group: groups, message }] }] }
  };
}

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', 'src/contract/openapi.ts', 'eslint.config.mjs', 'style/'] },
  ...tseslint.configs.strict,
  {
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      '@typescript-eslint/no-explicit-any': 'error',
      eqeqeq: ['error', 'always'],
      'no-console': ['error', { allow: ['warn', 'error'] }],
      'no-restricted-syntax': [
        'error',
        ...[
          'JSXText[value=/[A-Za-z]{2}/]',
          'JSXAttribute[name.name=/^(aria-label|aria-description|title|label|alt)$/] > Literal',
          'JSXExpressionContainer > Literal[value=/[A-Za-z]{3} /]'
        ].map(selector => ({ selector, message: 'Words that people read go through trans.__.' }))
      ]
    }
  },
  forbid(['src/contract/**'], [...HOSTS, 'react', '../*'], 'contract holds types only.'),
  forbid(
    ['src/client/**'],
    [...HOSTS, 'react', room('state'), room('views'), room('lab'), room('widget')],
    'client knows the contract only; its transport is handed in.'
  ),
  forbid(
    ['src/state/**'],
    [...HOSTS, 'react', room('views'), room('lab'), room('widget')],
    'state is pure: client and contract only.'
  ),
  forbid(
    ['src/views/**'],
    [...HOSTS, room('lab'), room('widget')],
    'views are functions of data and callbacks: they know no host.'
  ),
  forbid(['src/lab/**'], ['@anywidget/*', room('widget')], 'lab and widget never meet.'),
  forbid(
    ['src/widget/**'],
    ['@jupyterlab/*', '@jupyter/*', '@lumino/*', room('lab'), '**/client/api'],
    'widget knows views and state only, and what a failure is.'
  ),
  forbid(['src/index.ts'], [room('views'), room('state'), room('client'), room('widget')], 'index lists plugins.')
);
