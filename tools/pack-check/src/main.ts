import { fileURLToPath } from 'node:url';
import { checkPackages } from './check-packages.ts';

const { passed, failed } = await checkPackages(fileURLToPath(new URL('../../..', import.meta.url)));
console.log(`${passed} checks of the packages as published hold, ${failed} don't.`);
process.exitCode = failed === 0 ? 0 : 1;
