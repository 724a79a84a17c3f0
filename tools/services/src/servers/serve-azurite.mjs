// Runs Azurite: `serve-azurite.mjs <azurite-blob> [its arguments]`.
//
// Every ten minutes Azurite looks for memory that nothing refers to. After tests have deleted some ten thousand blobs it then
// answers nothing for minutes, and no option turns that off.
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';

const NEVER = 2 ** 31 - 1;

const [program = ''] = process.argv.splice(2, 1);
const load = createRequire(realpathSync(program));
load('./utils/constants').DEFAULT_GC_INTERVAL_MS = NEVER;
load('./main');
