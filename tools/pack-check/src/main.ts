import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkPackages } from './check-packages.ts';

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('../../..', import.meta.url));
const { passed, failed, skipped } = await checkPackages(root, values);
console.log(`${passed} checks of the packages as published hold, ${failed} don't, ${skipped} were skipped.`);
process.exitCode = failed === 0 ? 0 : 1;
