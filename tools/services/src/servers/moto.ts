import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, installFromPip } from '../service/cache.ts';
import type { Place, Service } from '../service/service.ts';

/** That of Debian ignores conditions. */
const VERSION = '5.2.5';
const ENVIRONMENT = `moto-${VERSION}`;
const BIN: string = join(cacheFolder(ENVIRONMENT), 'bin');
const PROGRAM: string = fileURLToPath(new URL('serve-moto.py', import.meta.url));
const BUCKET = 'securestore';

function endpointOf({ port }: Place): string {
  return `http://127.0.0.1:${port}`;
}

/** S3 as moto has it, a server in Python for tests. It keeps everything in memory, and lets everybody in. */
export const moto: Service = {
  name: 's3',
  variable: 'SECURESTORE_TEST_S3_URL',
  programs: ['moto_server'],
  folders: [BIN],
  debianPackages: ['python3', 'python3-venv'],
  install: async () => installFromPip(ENVIRONMENT, [`moto[s3,server]==${VERSION}`]),
  stopSignal: 'SIGKILL',
  prepare: async () => undefined,
  command: ({ port }) => [join(BIN, 'python'), PROGRAM, String(port)],
  async answers(place) {
    try {
      return (await fetch(`${endpointOf(place)}/${BUCKET}`, { method: 'PUT' })).ok;
    } catch {
      return false;
    }
  },
  // The tests take the credentials out of it.
  url(place) {
    const query = new URLSearchParams({ endpoint: endpointOf(place), conditionalDelete: 'true' });
    return `s3://test:${place.password}@${BUCKET}?${String(query)}`;
  },
};
