import { cacheFolder, installFromGo } from '../cache.ts';
import { takesConnections } from '../ports.ts';
import type { Service } from '../service.ts';

const VERSION = 'v1.56.1';
const PROGRAM = 'fake-gcs-server';

export const gcs: Service = {
  name: 'gcs',
  variable: 'SECURESTORE_TEST_GCS_URL',
  programs: [PROGRAM],
  folders: [cacheFolder(`${PROGRAM}-${VERSION}`)],
  debianPackages: [],
  // What PyPI has is older, and deletes without looking at conditions.
  install: async () => installFromGo(PROGRAM, 'github.com/fsouza/fake-gcs-server', VERSION),
  stopSignal: 'SIGKILL',
  prepare: async () => undefined,
  command: ({ port, program }) => [
    program(PROGRAM),
    '-scheme',
    'http',
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-backend',
    'memory',
    '-log-level',
    'error',
  ],
  answers: ({ port }) => takesConnections(port),
  url: ({ port }) => `gs://securestore?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`,
};
