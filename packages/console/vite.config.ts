import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import type { UserConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The pages, built into what `files` of the package names. */
const config: UserConfig = defineConfig({
  root: here('src/pages'),
  // The server decides where the page is; it names what is beside it.
  base: './',
  publicDir: false,
  logLevel: 'warn',
  resolve: { conditions: ['@securestore/source', 'module', 'browser', 'production'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: here('dist/pages'),
    emptyOutDir: false,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // A `data:` URL would need another policy than the one that the server gives.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      // The protocol is for servers too; what of it needs Node does not get into the pages.
      onLog: (level, log, handle) => {
        if (!log.message.includes('externalized for browser compatibility')) handle(level, log);
      },
    },
  },
});

export default config;
