import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closingLine, runStages, tallyOf } from './stages.ts';
import type { Stage } from './stages.ts';
import { build } from '../../bootstrap/build.mjs';
import { checkConformance } from '../../conformance/src/check-conformance.ts';
import { checkPackages } from '../../pack-check/src/check-packages.ts';
import { runTool } from './run-tool.ts';
import { runUnitTests, UNIT_REPORT } from './unit-tests.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const tool = (name: string, file: string, ...args: string[]): Stage => ({
  name,
  run: () => runTool(root, file, args),
});

const stages: readonly Stage[] = [
  { name: 'build', run: async () => tallyOf((await build(root, process.execPath)) === 0) },
  tool('types of tests and tools', '@typescript/native/bin/tsc', '-p', 'tsconfig.tests.json'),
  tool('lint', 'oxlint/bin/oxlint'),
  tool('format', 'oxfmt/bin/oxfmt', '--check'),
  tool('unused code and dependencies', 'knip/bin/knip.js', '--no-progress'),
  { name: 'packages as published', run: () => checkPackages(root) },
  { name: 'tests', run: () => runUnitTests(root) },
  {
    name: 'conformance of the backends, as docs/conformance.md has it',
    run: () =>
      checkConformance({ root, report: join(root, UNIT_REPORT), write: false, log: (line) => console.log(line) }),
  },
];

await rm(join(root, UNIT_REPORT), { force: true });
const tally = await runStages(stages, { log: (line) => console.log(line), now: () => performance.now() });
console.log(closingLine(tally));
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
