import { describeBackend } from '@securestore/backend-testkit';
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { SqliteBackend } from '../src/index.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

await describeBackend(
  { describe, it },
  {
    name: 'sqlite',
    operations: TORTURE ? 1000 : 500,
    createFixture: () => {
      const folder = mkdtempSync(join(tmpdir(), 'securestore-sqlite-'));
      return {
        open: async () => {
          const backend = new SqliteBackend();
          await backend.init({ url: `sqlite:${folder}/vault.db`, options: {} });
          return backend;
        },
        breakStorage: async () => rmSync(folder, { recursive: true }),
        dispose: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
);
