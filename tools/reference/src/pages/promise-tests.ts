import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { filesOfPromises, promiseIds, readTests } from '../../../docs-check/src/pages/promises.ts';
import { list, page } from '../text/markdown.ts';

const link = (path: string): string => `[${basename(path, '.test.ts')}](../../${path})`;

/** The tests of each promise of the threat model. @param root of the repository */
export function promiseTestsPage(root: string): string {
  const files = filesOfPromises(readTests(root));
  const entries = promiseIds(readFileSync(join(root, 'docs/threat-model.md'), 'utf8')).map(
    (id) =>
      `[${id}](../threat-model.md#${id.toLowerCase()}): ${(files.get(id) ?? []).map((path) => link(path)).join(', ')}`,
  );
  return page(
    'Tests of the threat model',
    'The files with attacks on each promise. In a file, the comment above a test names its promises.',
    [list(entries)],
  );
}
