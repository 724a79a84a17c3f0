/* `npm run pack -- FOLDER [PACKAGE…]`: the packages of this checkout, installed in an application. */
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './pack.ts';
import { adviceOnNode } from './application-node.ts';
import { packInto } from './pack-into.ts';

const USAGE = `npm run pack -- FOLDER [PACKAGE…]
Installs the library and the command line of this checkout in the application in FOLDER, which is created if it is missing,
and further packages by their names, such as backend-postgres or console.`;

const ALWAYS: readonly string[] = ['securestore', 'cli'];

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined || folder.startsWith('-')) {
  console.error(USAGE);
  process.exitCode = folder === '--help' || folder === '-h' ? 0 : 2;
} else await pack(folder);

async function pack(target: string): Promise<void> {
  // Relative to the folder that the user is in, not to the root to which npm changes.
  const here = process.env['INIT_CWD'] ?? process.cwd();
  const application = resolve(here, target);
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  try {
    const packed = await packInto(root, application, [...ALWAYS, ...names], (where, tarballs) =>
      npm(['install', '--no-audit', '--no-fund', ...tarballs], where),
    );
    const shown = relative(here, application) || '.';
    console.log(`Installed securestore and ${packed.length - 1} packages that belong to it in ${shown}.`);
    const manifest = await readFile(resolve(root, 'packages/cli/package.json'), 'utf8');
    const { engines } = JSON.parse(manifest) as { readonly engines: { readonly node: string } };
    const settings = {
      root: resolve(root),
      path: process.env['PATH'] ?? '',
      range: engines.node,
      own: process.execPath,
    };
    for (const line of await adviceOnNode(settings, application)) console.log(line);
    console.log(`Try it there: npx securestore help`);
  } catch (error) {
    // What npm printed says more than that it failed.
    const { stderr, message } = error as { stderr?: string; message: string };
    console.error(`securestore: ${stderr || message}`);
    process.exitCode = 1;
  }
}
