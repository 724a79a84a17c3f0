import { fileURLToPath } from 'node:url';
import { closingLine } from './stages.ts';
import { runUnitTests } from './unit-tests.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

console.log('Every test with its longest form: kills, races, faults and random cases. This takes hours.');
const tally = await runUnitTests(root, { size: 'torture', files: process.argv.slice(2) });
console.log(closingLine(tally));
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
