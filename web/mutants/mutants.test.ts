import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { mutationsOf } from './mutations.js';
import { trial } from './trial.js';

const changes = (text: string) =>
  mutationsOf('some.ts', text).map(
    ({ start, end, is }) => text.slice(0, start) + is + text.slice(end),
  );

test.each([
  [
    'if (a > 1) go();',
    [
      'if (true) go();',
      'if (false) go();',
      'if (a >= 1) go();',
      'if (a > 2) go();',
      'if (a > 1) ;',
    ],
  ],
  ['const a = !(b ?? c);', ['const a = (b ?? c);', 'const a = !((b));', 'const a = !((c));']],
  [
    'throw a ? true : [b];',
    [
      ';',
      'throw true ? true : [b];',
      'throw false ? true : [b];',
      'throw a ? false : [b];',
      'throw a ? true : [];',
    ],
  ],
  [
    "import b from 'b'; type A = 'x' | 1; export const a = '' as A;",
    ["import b from 'b'; type A = 'x' | 1; export const a = 'x' as A;"],
  ],
])('%s', (text, changed) => {
  expect(changes(text)).toEqual(changed);
});

test('tells a change that a test notices from one that none does', async () => {
  const root = join(import.meta.dirname, 'fixture');
  const text = readFileSync(join(root, 'planted.ts'), 'utf8');
  const limits = mutationsOf('planted.ts', text).filter(({ is }) => ['>', '<='].includes(is));
  const outcomes = [];
  for await (const { is, noticed } of trial(root, limits)) outcomes.push([is, noticed]);
  expect(outcomes).toEqual([
    ['>', true],
    ['<=', false],
  ]);
});

test('the process that tests ends with the one that started it, in an endless loop too', async () => {
  const cwd = join(import.meta.dirname, 'fixture');
  const tester = fork(join(import.meta.dirname, 'tester.js'), { cwd });
  onTestFinished(() => void tester.kill('SIGKILL'));
  const change = { file: 'planted.ts', line: 0, start: 0, end: 0, was: '' };
  tester.send({ ...change, is: '' });
  await once(tester, 'message');
  tester.send({ ...change, is: 'for (;;);' });
  tester.disconnect();
  expect(await once(tester, 'exit')).toEqual([0, null]);
});
