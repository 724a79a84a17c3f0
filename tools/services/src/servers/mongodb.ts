import { globSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, installFromPip } from '../service/cache.ts';
import { takesConnections } from '../service/ports.ts';
import type { Service } from '../service/service.ts';

/** Neither Debian nor a registry has a `mongod`; this speaks its protocol, over the same storage engine. */
const VERSION = '0.7.0b3';
const ENVIRONMENT = `secantusdb-${VERSION}`;
const BIN: string = join(cacheFolder(ENVIRONMENT), 'bin');
const PYTHON: string = join(BIN, 'python');
const USER = 'securestore';

/** The environment variable with the file that a server takes its clock from, such as `+0` or `-1h`, for the test that sets it back. */
export const CLOCK_FILE = 'SECURESTORE_TEST_CLOCK_FILE';

/** The environment of such a server; `undefined` where there is no faketime. */
export function clockSettings(file: string): string[] | undefined {
  const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
  if (library === undefined) return undefined;
  const settings = [`LD_PRELOAD=${library}`, `FAKETIME_TIMESTAMP_FILE=${file}`];
  return [...settings, 'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
}

function ownClock(): string[] {
  const file = process.env[CLOCK_FILE];
  return file ? (clockSettings(file) ?? []) : [];
}

/** Makes the user: `<folder of the data> <user> <password>`. With `--auth` the server lets nobody in who could. */
const PROVISION = `
import sys
from pymongo import MongoClient
from secantus import SecantusDBServer
folder, user, password = sys.argv[1:]
with SecantusDBServer(storage_path=folder) as server:
    with MongoClient(server.uri) as client:
        client.admin.command('createUser', user, pwd=password, roles=['root'])
`;

export const mongodb: Service = {
  name: 'mongodb',
  variable: 'SECURESTORE_TEST_MONGODB_URL',
  programs: ['secantusd-py'],
  folders: [BIN],
  debianPackages: ['python3', 'python3-venv'],
  install: async () => installFromPip(ENVIRONMENT, [`SecantusDB==${VERSION}`]),
  // Sets the clock of a server back.
  wished: { programs: ['faketime'], debianPackages: ['faketime'] },
  stopSignal: 'SIGKILL',
  async prepare({ folder, password, run }) {
    const code = await run(PYTHON, ['-c', PROVISION, join(folder, 'data'), USER, password]);
    if (code !== 0) throw new Error(`making its user ended with ${code}`);
  },
  command: ({ folder, port, durable, program }) => [
    'env',
    ...ownClock(),
    PYTHON,
    program('secantusd-py'),
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--storage-path',
    join(folder, 'data'),
    '--cache-size',
    '128M',
    '--log-level',
    'ERROR',
    '--auth',
    ...(durable ? ['--sync-on-commit'] : []),
  ],
  answers: ({ port }) => takesConnections(port),
  // Its set has one member, which is asked for nobody else, so that a proxy is not passed by.
  url: ({ port, password }) =>
    `mongodb://${USER}:${password}@127.0.0.1:${port}/securestore?authSource=admin&directConnection=true`,
};
