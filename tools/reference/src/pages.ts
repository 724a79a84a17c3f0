import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FormatOptions } from 'oxfmt';
import { format } from 'oxfmt';
import { advicePage } from './pages/advice.ts';
import { commandsPage } from './pages/commands.ts';
import { configurationPage } from './pages/configuration.ts';
import { httpApiPage } from './pages/http-api.ts';
import { libraryCallsPage } from './pages/library-calls.ts';
import { limitsPage } from './pages/limits.ts';
import { metricsPage } from './pages/metrics.ts';
import { permissionsPage } from './pages/permissions.ts';
import { promiseTestsPage } from './pages/promise-tests.ts';

const PAGES: Readonly<Record<string, (root: string) => string | Promise<string>>> = {
  'advice.md': advicePage,
  'commands.md': commandsPage,
  'configuration.md': configurationPage,
  'http-api.md': httpApiPage,
  'library-calls.md': libraryCallsPage,
  'limits.md': limitsPage,
  'metrics.md': metricsPage,
  'permissions.md': permissionsPage,
  'promise-tests.md': promiseTestsPage,
};

/** Where the pages are, from the root of the repository. */
export const FOLDER = 'docs/reference';

/** The pages by the names of their files, formatted as everything here. @param root of the repository */
export async function pages(root: string): Promise<ReadonlyMap<string, string>> {
  const options = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8')) as FormatOptions;
  const made = Object.entries(PAGES).map(async ([name, make]): Promise<[string, string]> => {
    const { code, errors } = await format(name, await make(root), options);
    const [error] = errors;
    if (error !== undefined) throw new Error(`${name}: ${error.message}`);
    return [name, code];
  });
  return new Map(await Promise.all(made));
}
