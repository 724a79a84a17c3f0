import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkScheme, folderOf, UsageError, writeBackend } from './write-backend.ts';

// Writes a package with a new backend, for whoever wants to serve a store of their own:
//   npm run new:backend -- SCHEME [FOLDER]
const root = fileURLToPath(new URL('../../..', import.meta.url));
// Where the user stands; npm moves to the root.
const here = process.env['INIT_CWD'] ?? process.cwd();

try {
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  const [scheme, chosen] = positionals;
  if (positionals.length > 2) throw new UsageError('say a scheme and a folder: npm run new:backend -- level ./folder');
  checkScheme(scheme);
  const folder = chosen ?? folderOf(scheme);
  const { paths, install } = await writeBackend(root, scheme, resolve(here, folder));
  console.log(`${folder} has a backend for ${scheme}: store URLs, in memory so far:\n`);
  for (const path of paths) console.log(`  ${path}`);
  console.log(
    `\nTry it with Node 24.7 or newer, then put your store in the place of its map (docs/plugins.md says what matters):\n`,
  );
  console.log(`  cd ${folder}\n  ${install}\n  npm test`);
} catch (error) {
  const isUsage = error instanceof UsageError || (error as { code?: unknown }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION';
  if (!isUsage) throw error;
  console.error(`new:backend: ${(error as Error).message}`);
  process.exitCode = 2;
}
