import { spawnSync } from 'node:child_process';

export const hasPython: boolean =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0;
if (!hasPython) console.log('The reference reader is not run: no python3 of version 3.8 or later is on the PATH.');

/** What lies at a backend, as the reader takes it. */
export function input(objects: ReadonlyMap<string, Buffer>): string {
  return JSON.stringify(Object.fromEntries([...objects].map(([name, body]) => [name, body.toString('hex')])));
}
