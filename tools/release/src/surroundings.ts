import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from '../../bootstrap/build.mjs';
import { checkPackages } from '../../pack-check/src/check-packages.ts';
import { CHANGESET } from './plan.ts';
import type { Surroundings } from './release.ts';

/** Which versions there are is what the registry says, and each has its commit in its provenance: no tags. */
async function publish(checkout: string): Promise<boolean> {
  const child = spawn(process.execPath, [CHANGESET, 'publish', '--no-git-tag'], { cwd: checkout, stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    console.log('Not everything was published: mend what went wrong and run this again, which publishes the rest.');
  }
  return code === 0;
}

export const REAL: Surroundings = {
  env: process.env,
  log: (line) => console.log(line),
  build: async (checkout) => (await build(checkout, process.execPath)) === 0,
  check: async (checkout) => {
    const { failed, skipped } = await checkPackages(checkout);
    // What can't be checked is not known to hold.
    return failed + skipped;
  },
  publish,
};
