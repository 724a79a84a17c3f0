import { fileURLToPath } from 'node:url';
import { closingLine } from './stages.ts';
import { runUnitTests } from './unit-tests.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

// The campaigns are the tests themselves: they look for this and do their full counts.
process.env['SECURESTORE_TORTURE'] = '1';
console.log('Every test with its full counts: kills, races, faults and random cases. This takes long.');
const tally = await runUnitTests(root, process.argv.slice(2));
console.log(closingLine(tally));
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
