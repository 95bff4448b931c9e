/**
 * A process that keeps Vitest warm. It is sent mutations, and says of each whether a test fails with it. The changed text
 * goes from memory to Vite; files stay as they are.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { loadConfigFromFile, mergeConfig } from 'vite';
import { createVitest } from 'vitest/node';

/** @import { Mutation } from './mutations.js' */

// Whoever started this process may have been killed.
process.on('disconnect', () => process.exit());

const root = process.cwd();
/** @type {Mutation | null} */
let current = null;

const mutate = {
  name: 'mutate',
  enforce: /** @type {const} */ ('pre'),
  /** @param {string} _code @param {string} id */
  transform(_code, id) {
    if (current === null || id !== join(root, current.file)) return null;
    const text = readFileSync(id, 'utf8');
    return { code: text.slice(0, current.start) + current.is + text.slice(current.end), map: null };
  },
};

const loaded = await loadConfigFromFile({ command: 'serve', mode: 'test' }, undefined, root);
const { test: { projects = [{ test: {} }], ...test } = {}, ...rest } = loaded?.config ?? {};
const shared = mergeConfig(rest, {
  plugins: [mutate],
  // Without isolation modules share a worker; each run has a new one.
  test: { ...test, pool: 'threads', isolate: false, maxWorkers: 1, testTimeout: 5000 },
});
const vitest = await createVitest('test', {
  config: false,
  root,
  watch: false,
  reporters: [{}],
  projects: projects.map((project) => mergeConfig(shared, { ...Object(project), extends: false })),
});
await vitest.standalone();

/** The test modules of a file's folder, its own first. @param {string} file */
async function nearest(file) {
  const folder = join(root, dirname(file));
  const inside = await vitest.globTestSpecifications([join(folder, '/')]);
  const specifications = inside.filter((it) => dirname(it.moduleId) === folder);
  const own = `${basename(file).replace(/\.tsx?$/, '')}.test.`;
  if (specifications.length === 0) throw new Error(`No tests beside ${file}`);
  const isOwn = (/** @type {{ moduleId: string }} */ it) => basename(it.moduleId).startsWith(own);
  return [specifications.filter(isOwn), specifications.filter((it) => !isOwn(it))];
}

/** @param {Mutation} mutation */
async function isNoticed(mutation) {
  for (const { file } of [current ?? mutation, mutation]) vitest.invalidateFile(join(root, file));
  current = mutation;
  for (const specifications of await nearest(mutation.file)) {
    if (specifications.length === 0) continue;
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
    // The result has the modules of earlier runs too.
    const ids = specifications.map((it) => it.moduleId);
    const passed = testModules.filter((it) => ids.includes(it.moduleId) && it.state() === 'passed');
    if (unhandledErrors.length > 0 || passed.length < ids.length) return true;
  }
  return false;
}

process.on('message', (/** @type {Mutation} */ mutation) => {
  void isNoticed(mutation).then((noticed) => process.send?.(noticed));
});
