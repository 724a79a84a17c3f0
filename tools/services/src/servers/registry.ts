import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, installFromNpm } from '../service/cache.ts';
import { takesConnections } from '../service/ports.ts';
import type { Service } from '../service/service.ts';

const VERDACCIO = '6.10.4';
const PNPM = '12.4.2';
const programsOf = (name: string, version: string): string =>
  join(cacheFolder(`${name}-${version}`), 'node_modules/.bin');

/** What is published by this repository is never looked for elsewhere: a name that is missing is an error. */
const OWN: readonly string[] = ['@securestore/*', 'securestore'];

/**
 * A registry of npm that anybody on this machine may publish to, in front of the one that npm is configured with, and
 * pnpm to install from it with.
 */
export const registry: Service = {
  name: 'registry',
  variable: 'SECURESTORE_TEST_REGISTRY_URL',
  programs: ['verdaccio', 'pnpm'],
  folders: [programsOf('verdaccio', VERDACCIO), programsOf('pnpm', PNPM)],
  debianPackages: [],
  install: async () => {
    // It names a dependency by a tag that not every registry has.
    await installFromNpm('verdaccio', VERDACCIO, { 'node-fetch': '2.7.0' });
    await installFromNpm('pnpm', PNPM);
  },
  stopSignal: 'SIGKILL',
  async prepare({ folder }) {
    const { stdout } = await promisify(execFile)('npm', ['config', 'get', 'registry']);
    const own = OWN.map((pattern) => [pattern, { access: '$all', publish: '$all' }]);
    const settings = {
      storage: join(folder, 'storage'),
      uplinks: { upstream: { url: stdout.trim(), agent_options: { keepAlive: true, maxSockets: 40 } } },
      packages: { ...Object.fromEntries(own), '**': { access: '$all', proxy: 'upstream' } },
      web: { enable: false },
      log: { type: 'stdout', level: 'warn' },
    };
    // YAML includes JSON.
    await writeFile(join(folder, 'config.yaml'), JSON.stringify(settings), { mode: 0o600 });
  },
  command: ({ folder, port, program }) => [
    process.execPath,
    program('verdaccio'),
    '--config',
    join(folder, 'config.yaml'),
    '--listen',
    `127.0.0.1:${port}`,
  ],
  answers: ({ port }) => takesConnections(port),
  url: ({ port }) => `http://127.0.0.1:${port}/`,
};
