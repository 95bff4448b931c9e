import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const server = process.env.VITE_PULSESTAGE_SERVER ?? 'http://127.0.0.1:7717';
const served = [
  '/sse',
  '/events',
  '/session',
  '/questions',
  '/tags',
  '/teams',
  '/tenants',
  '/health',
];

/** Writes a brotli and a gzip beside every script and style sheet, for the server to choose from. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle({ dir = '' }, bundle) {
    for (const [name, output] of Object.entries(bundle)) {
      if (!/\.(js|css)$/.test(name)) continue;
      const content = output.type === 'chunk' ? output.code : output.source;
      writeFileSync(join(dir, `${name}.br`), brotliCompressSync(content));
      writeFileSync(join(dir, `${name}.gz`), gzipSync(content, { level: 9 }));
    }
  },
};

/** Has browsers fetch the page's code together with the entry, which imports it only when it has asked for the room. */
const preloadPage: Plugin = {
  name: 'preload-page',
  transformIndexHtml: {
    order: 'post',
    handler(_html, { bundle = {} }) {
      return Object.values(bundle)
        .filter((it) => it.type === 'chunk')
        .filter((it) => it.isDynamicEntry && it.name === 'page')
        .map((it) => ({
          tag: 'link',
          injectTo: 'head',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${it.fileName}` },
        }));
    },
  },
};

export default defineConfig({
  // Relative addresses in the build: the same files work below any path prefix.
  base: './',
  plugins: [react(), tailwindcss(), preloadPage, compressed],
  build: {
    outDir: '../src/pulsestage/web_dist',
    emptyOutDir: true,
    target: 'es2022',
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  server: {
    host: '127.0.0.1',
    port: 7718,
    proxy: Object.fromEntries(served.map((path) => [`^${path}(/|\\?|$)`, server])),
  },
  test: {
    restoreMocks: true,
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        // Without a page, which is both faster and the proof that nothing here needs one.
        test: {
          name: 'plain',
          environment: 'node',
          include: ['src/**/*.test.ts', 'mutants/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'page',
          environment: 'jsdom',
          include: ['src/**/*.test.tsx'],
          setupFiles: ['src/test/setup.ts'],
        },
      },
    ],
  },
});
