import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, installFromNpm } from '../service/cache.ts';
import { takesConnections } from '../service/ports.ts';
import type { Service } from '../service/service.ts';

const VERSION = '3.37.0';
const SCRIPT: string = fileURLToPath(new URL('serve-azurite.mjs', import.meta.url));
/** The account that every Azurite has. */
const ACCOUNT = 'devstoreaccount1';
/** The key of that account, which is the same everywhere and published. */
export const EMULATOR_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export const azure: Service = {
  name: 'azure',
  variable: 'SECURESTORE_TEST_AZURE_URL',
  programs: ['azurite-blob'],
  folders: [join(cacheFolder(`azurite-${VERSION}`), 'node_modules/.bin')],
  debianPackages: [],
  install: async () => installFromNpm('azurite', VERSION),
  stopSignal: 'SIGKILL',
  prepare: async () => undefined,
  command: ({ folder, port, durable, program }) => [
    process.execPath,
    SCRIPT,
    program('azurite-blob'),
    '--blobHost',
    '127.0.0.1',
    '--blobPort',
    String(port),
    '--silent',
    '--disableTelemetry',
    // The SDK asks for a newer version of the protocol than it knows.
    '--skipApiVersionCheck',
    ...(durable ? ['--location', folder] : ['--inMemoryPersistence']),
  ],
  answers: ({ port }) => takesConnections(port),
  url: ({ port }) => {
    const endpoint = encodeURIComponent(`http://127.0.0.1:${port}/${ACCOUNT}`);
    return `azblob://securestore?account=${ACCOUNT}&endpoint=${endpoint}`;
  },
};
