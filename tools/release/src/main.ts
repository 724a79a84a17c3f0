import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { release } from './release.ts';
import { REAL } from './surroundings.ts';

// Publishes what changed, from the release workflow; everywhere else it says what that would do:
//   npm run release -- --dry-run
const root = fileURLToPath(new URL('../../..', import.meta.url));

try {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
  process.exitCode = await release(root, { dryRun: values['dry-run'] }, REAL);
} catch (error) {
  if ((error as { code?: unknown }).code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
  console.error(`release: ${(error as Error).message}`);
  process.exitCode = 2;
}
