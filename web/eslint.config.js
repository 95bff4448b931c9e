import js from '@eslint/js';
import a11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/**
 * Imports point one way:
 *   app → features → room → {live, api, ui}
 * and everybody may use wire.ts, the words of the contract. Siblings don't know each other.
 */
const message = 'Imports point one way: app → features → room → {live, api, ui}.';

function forbid(...folders) {
  return { regex: `^(\\.\\./)+(${folders.join('|')})(/|$)`, message };
}

function layer(folder, patterns, paths = []) {
  return {
    files: [`src/${folder}/**/*.{ts,tsx}`],
    ignores: ['**/*.test.{ts,tsx}'],
    rules: { 'no-restricted-imports': ['error', { patterns, paths }] },
  };
}

const frameworks = ['react', 'react-dom', 'react-router', '@tanstack/react-query'].map((name) => ({
  name,
  message: 'This folder works without a framework.',
}));

export default tseslint.config(
  { ignores: ['node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['src/**/*.tsx', 'src/**/use*.ts'],
    extends: [hooks.configs.flat['recommended-latest'], a11y.flatConfigs.strict],
  },
  { files: ['**/*.{js,mjs}'], languageOptions: { globals: globals.node } },

  layer('live', [forbid('app', 'features', 'room', 'api', 'ui')], frameworks),
  layer('api', [forbid('app', 'features', 'room', 'live', 'ui')], frameworks),
  layer('ui', [forbid('app', 'features', 'room', 'live', 'api')]),
  layer('room', [forbid('app', 'features')]),
  layer('features', [
    forbid('app'),
    // A feature is one folder: stepping out of it into a neighbour starts with exactly one level up.
    { regex: '^\\.\\./(?!\\.\\./)[a-z]', message: "Features don't import each other." },
    { regex: '^(\\.\\./)+features(/|$)', message: "Features don't import each other." },
  ]),
);
