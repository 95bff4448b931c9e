import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.PULSESTAGE_DEV_SERVER ?? 'http://127.0.0.1:7717';
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

export default defineConfig({
  // Relative addresses in the build: the same files work below any path prefix.
  base: './',
  plugins: [react(), tailwindcss()],
  build: {
    outDir: '../src/pulsestage/web_dist',
    emptyOutDir: true,
    manifest: true,
    target: 'es2022',
  },
  server: {
    host: '127.0.0.1',
    port: 7718,
    proxy: Object.fromEntries(served.map((path) => [`^${path}(/|\\?|$)`, server])),
  },
  test: {
    restoreMocks: true,
    projects: [
      {
        extends: true,
        // Without a page, which is both faster and the proof that nothing here needs one.
        test: { name: 'plain', environment: 'node', include: ['src/**/*.test.ts'] },
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
