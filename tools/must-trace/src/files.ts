import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestFile } from './trace.ts';

export function readText(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The tests of all packages, with what they share. */
export function readTests(root: string): TestFile[] {
  const paths = globSync('packages/*/test/**/*.ts', { cwd: root, exclude: (path) => path === 'node_modules' });
  return paths.toSorted().map((path) => ({ path, text: readText(root, path) }));
}
