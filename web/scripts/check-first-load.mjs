// Fails the build when the script that a phone loads before it shows anything outgrows its budget.
// Counts the entry and all that it imports statically; parts that load later don't count.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const budgetKB = 150;
const dist = join(import.meta.dirname, '../../src/pulsestage/web_dist');
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));

const pending = Object.keys(manifest).filter((name) => manifest[name].isEntry);
const counted = new Set();
let bytes = 0;
while (pending.length > 0) {
  const name = pending.pop();
  if (counted.has(name)) continue;
  counted.add(name);
  bytes += gzipSync(readFileSync(join(dist, manifest[name].file))).length;
  pending.push(...(manifest[name].imports ?? []));
}

const text = `First load: ${(bytes / 1000).toFixed(1)} KB of compressed script (budget ${budgetKB} KB)`;
if (counted.size === 0 || bytes > budgetKB * 1000) {
  console.error(text);
  process.exit(1);
}
console.log(text);
