import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');

/** Paths that end like a file or a folder, as they are written on the page. */
const named = [...new Set([...text.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, path = '']) => path))];

it('the page about the architecture names files', () => {
  expect(named.length).toBeGreaterThan(50);
});

/** The folders that such a path may begin at. */
const folders = [
  '.',
  ...globSync('{packages,packages/*,packages/*/src,packages/{acl,backend-fs,backup,cli,crypto,objects,server}/src/*}', {
    cwd: root,
  }),
];

it.each(named)('%s, which the page about the architecture names, is there', (path) => {
  expect(folders.filter((folder) => existsSync(join(root, folder, path)))).not.toEqual([]);
});
