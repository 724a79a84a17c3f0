import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { databasePlace } from './database.ts';
import { narrator } from './narrator.ts';
import { tour } from './tour.ts';

const ONWARDS = `
The tour is over, and its store is removed. To make one of your own:

  export PATH=$PWD/node_modules/.bin:$PATH
  export SECURESTORE_URL=sqlite:./vault.db
  securestore init
  printf s3cr3t | securestore put db/password
  securestore get db/password
  securestore help

README.md shows the library. npm test runs the checks and tests.
`;

const documents = fileURLToPath(new URL('../../..', import.meta.url));
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'securestore-tour-'));
const cleanUp = (): void => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
};
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(code);
  });
}

process.chdir(folder);
try {
  await tour(narrator(process.stdout), documents, databasePlace());
  process.stdout.write(ONWARDS);
} catch (error) {
  console.error('\nThe tour stopped: a step did not do what it says.', error);
  process.exitCode = 1;
} finally {
  cleanUp();
}
