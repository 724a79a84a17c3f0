import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exitCodeOf } from '../../checks/src/run-tool.ts';
import { SIZE_VARIABLE } from '../../campaigns/src/size.ts';
import { checkConformance } from './check-conformance.ts';

// Runs the conformance suite on every backend and compares docs/conformance.md with what comes of it, or writes it:
//   npm run conformance [-- --write]
const root = fileURLToPath(new URL('../../..', import.meta.url));
const report = join(root, '.cache/conformance.json');
// The page has what a full run has.
process.env[SIZE_VARIABLE] = 'full';

try {
  const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
  const files = ['test/conformance.test.ts', 'test/ceph.test.ts'];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await exitCodeOf(root, join(root, 'node_modules/vitest/vitest.mjs'), ['run', ...files, ...reporters]);
  const { failed } = await checkConformance({
    root,
    report,
    write: values.write,
    isWhole: true,
    log: (line) => console.log(line),
  });
  process.exitCode = code === 0 && failed === 0 ? 0 : 1;
} catch (error) {
  if ((error as { code?: unknown }).code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
  console.error(`conformance: ${(error as Error).message}`);
  process.exitCode = 2;
}
