import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** Set-up of the tests: those that start the command line start what users do, which takes a third of the time of its sources. */
export default function setup() {
  // A run of all checks has built before.
  if (process.env.SECURESTORE_BUNDLED === '1') return;
  process.env.SECURESTORE_BUNDLED = '1';
  execFileSync(process.execPath, [here('bundle.mjs'), '--all', here('../..')], { stdio: 'inherit' });
}
