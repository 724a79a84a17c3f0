import { defineConfig } from 'vitest/config';

const conditions = ['@securestore/source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tools/*/test/**/*.test.ts'],
    // `npm run torture` runs campaigns that take minutes each.
    testTimeout: process.env['SECURESTORE_TORTURE'] === '1' ? 3_600_000 : 60_000,
    // Removing the tens of thousands of files of a campaign takes its time, too.
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
