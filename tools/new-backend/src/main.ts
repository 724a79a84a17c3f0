import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkScheme, folderOf, UsageError, writeBackend } from './write-backend.ts';

// Writes a package with a new backend, for an author who serves another kind of store:
//   npm run new:backend -- SCHEME [FOLDER]
const root = fileURLToPath(new URL('../../..', import.meta.url));
// The user's working directory; npm changes to the root.
const here = process.env['INIT_CWD'] ?? process.cwd();

try {
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  const [scheme, chosen] = positionals;
  if (positionals.length > 2) throw new UsageError('say a scheme and a folder: npm run new:backend -- level ./folder');
  checkScheme(scheme);
  const folder = chosen ?? folderOf(scheme);
  const { paths, install } = await writeBackend(root, scheme, resolve(here, folder));
  console.log(`${folder} has a backend for ${scheme}: store URLs, which stores in memory:\n`);
  for (const path of paths) console.log(`  ${path}`);
  console.log(
    `\nTest it with Node 24.7 or newer, then replace its map with your store (docs/reference/backend-contract.md has the rules):\n`,
  );
  console.log(`  cd ${folder}\n  ${install}\n  npm test`);
} catch (error) {
  const isUsage = error instanceof UsageError || (error as { code?: unknown }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION';
  if (!isUsage) throw error;
  console.error(`new:backend: ${(error as Error).message}`);
  process.exitCode = 2;
}
