/* Imports the built-in modules that a `file:` store can't do without, and prints the milliseconds it took. */
import { performance } from 'node:perf_hooks';

const begun = performance.now();
await Promise.all([import('node:crypto'), import('node:fs/promises'), import('node:sqlite'), import('node:path')]);
console.log(performance.now() - begun);
