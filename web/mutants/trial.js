/** Tries mutations one after the other, in a process that can be replaced: a change can make an endless loop. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';

/** @import { ChildProcess } from 'node:child_process' */
/** @import { Mutation } from './mutations.js' */

const limit = 60_000;

/**
 * Whether a test fails; null if there is no answer.
 * @param {ChildProcess} tester
 * @param {Mutation} mutation
 * @returns {Promise<boolean | null>}
 */
async function ask(tester, mutation) {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), limit);
  const { signal } = over;
  const answer = once(tester, 'message', { signal }).then(([noticed]) => noticed);
  const exit = once(tester, 'exit', { signal }).then(() => null);
  tester.send(mutation);
  try {
    return await Promise.race([answer, exit]).catch(() => null);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/**
 * Yields each mutation with whether the nearest tests notice it.
 * @param {string} root the folder of Vite's configuration
 * @param {Mutation[]} mutations
 */
export async function* trial(root, mutations) {
  const start = () => fork(join(import.meta.dirname, 'tester.js'), { cwd: root });
  let tester = start();
  try {
    const folders = new Map(mutations.map((it) => [dirname(it.file), it]));
    for (const [folder, { file }] of folders) {
      const unchanged = { file, line: 0, start: 0, end: 0, was: '', is: '' };
      if ((await ask(tester, unchanged)) !== false) throw new Error(`The tests of ${folder} fail`);
    }
    for (const mutation of mutations) {
      const answer = await ask(tester, mutation);
      if (answer === null) {
        tester.kill('SIGKILL');
        tester = start();
      }
      yield { ...mutation, noticed: answer ?? true };
    }
  } finally {
    tester.kill('SIGKILL');
  }
}
