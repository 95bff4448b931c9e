/**
 * Changes the page's logic in one place after the other. Prints each change that the nearest tests did not notice, and how
 * many they noticed.
 *
 *     npm run mutants -- [--seed 42] [--sample 100 | --sample all] [src/live/client.ts …]
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutationsOf } from './mutations.js';
import { trial } from './trial.js';

/** @import { Mutation } from './mutations.js' */

const root = join(import.meta.dirname, '..');
const folders = ['src/live', 'src/room'];

function sources() {
  const files = folders.flatMap((it) => readdirSync(join(root, it)).map((name) => `${it}/${name}`));
  return files.filter((file) => /(?<!\.test)\.tsx?$/.test(file));
}

/**
 * Chooses by hashes, so that the same seed chooses the same changes again.
 * @param {Mutation[]} mutations @param {string} seed @param {number} size
 */
function sampleOf(mutations, seed, size) {
  const rank = (/** @type {Mutation} */ { file, start, is }) =>
    createHash('sha256').update(`${seed} ${file} ${start} ${is}`).digest('hex');
  const last = mutations.map(rank).sort()[size - 1] ?? 'z';
  return mutations.filter((it) => rank(it) <= last);
}

/** @param {string} text */
function oneLine(text) {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' }, sample: { type: 'string', default: '100' } },
  allowPositionals: true,
});
const seed = values.seed ?? `${Math.floor(Math.random() * 1e6)}`;
const files = positionals.length > 0 ? positionals : sources();
const all = files.flatMap((file) => mutationsOf(file, readFileSync(join(root, file), 'utf8')));
const sample = sampleOf(all, seed, values.sample === 'all' ? all.length : Number(values.sample));
console.log(`Seed ${seed}: ${sample.length} of ${all.length} changes. Not noticed:`);

/** @type {Map<string, { tried: number, noticed: number }>} */
const scores = new Map();
for await (const { file, line, was, is, noticed } of trial(root, sample)) {
  const score = scores.get(dirname(file)) ?? { tried: 0, noticed: 0 };
  scores.set(dirname(file), score);
  score.tried += 1;
  score.noticed += Number(noticed);
  if (!noticed)
    console.log(`  ${file}:${line}  ${oneLine(was)}  →  ${is === ';' ? 'nothing' : oneLine(is)}`);
}
for (const [folder, { tried, noticed }] of scores) {
  const percent = Math.floor((100 * noticed) / tried);
  console.log(`${folder}: ${percent} % noticed, ${noticed} of ${tried}`);
}
