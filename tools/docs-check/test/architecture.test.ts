import { globSync, readFileSync } from 'node:fs';
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

it.each(named)('%s, which the page about the architecture names, is there', (path) => {
  const pattern = `{.,packages,packages/*,packages/*/src,packages/{acl,backend-fs,backup,cli,crypto,objects,server}/src/*}/${path}`;
  expect(globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] })).not.toEqual([]);
});
