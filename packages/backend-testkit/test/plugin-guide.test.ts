import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The code of docs/build/backend.md is a backend that passes the suite: it is written out as the guide says, and its test
 * file is loaded as a part of this one.
 */
const guide = await readFile(join(import.meta.dirname, '../../../docs/build/backend.md'), 'utf8');
const folder = join(import.meta.dirname, '../.cache/plugin-guide');

const files = [...guide.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)];
for (const [, path = '', code = ''] of files) {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), code);
}

await import(join(folder, 'test/conformance.test.ts'));
