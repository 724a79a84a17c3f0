import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ALONE } from '../src/recycled-forks.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

it('a file that replaces modules runs in a process of its own', () => {
  const replacing = globSync('{packages,tools}/*/test/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
    .filter((file) => /^vi\.mock\(/m.test(readFileSync(join(root, file), 'utf8')))
    .map((file) => `/${file}`);
  expect(replacing.length).toBeGreaterThan(0);
  expect(replacing.filter((file) => !ALONE.test(file))).toEqual([]);
});
