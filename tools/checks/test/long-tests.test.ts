import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { longTests } from '../src/long-tests.ts';

it('finds the tests whose amount is that of the size of a run, also through what they import or start, and those that a short run leaves out', () => {
  const root = mkdtempSync(join(tmpdir(), 'securestore-long-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const files = {
    'packages/a/test/own.test.ts': "import { sized } from '../../../tools/campaigns/src/size.ts';",
    'packages/a/test/through.test.ts': "import { kills } from './support/kills.ts';",
    'packages/a/test/process.test.ts': "new URL('./support/started.ts', import.meta.url);",
    'packages/a/test/whole.long.test.ts': '',
    'packages/a/test/types.test.ts': "import type {\n  Kill,\n} from './support/kills.ts';",
    'packages/a/test/plain.test.ts': "import { plain } from './support/plain.ts';",
    'packages/a/test/support/kills.ts':
      "import { other } from './plain.ts';\nimport { LONG, TORTURE } from '../../../../tools/campaigns/src/size.ts';",
    'packages/a/test/support/started.ts': "await import('./kills.ts');",
    'packages/a/test/support/plain.ts':
      "import { kills } from '../plain.test.ts';\nimport { TORTURE } from '../../../../tools/campaigns/src/size.ts';",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  expect(longTests(root)).toEqual([
    'packages/a/test/own.test.ts',
    'packages/a/test/process.test.ts',
    'packages/a/test/through.test.ts',
    'packages/a/test/whole.long.test.ts',
  ]);
});

it('finds some of this repository, and not all', () => {
  const long = longTests(fileURLToPath(new URL('../../..', import.meta.url)));
  expect(long).toContain('packages/objects/test/simulation/simulation.test.ts');
  expect(long).toContain('packages/backup/test/api/faults.test.ts');
  expect(long).not.toContain('packages/core-format/test/lessons.test.ts');
});
