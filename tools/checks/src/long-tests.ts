import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Tests that only the longer forms run: details of what other tests try, which take many processes, browsers or servers. */
export const LONG_FILES = '**/*.long.test.ts';

/** What of `tools/campaigns` makes a test do more in a full run than in a short one. */
const SIZED = /import \{[^}]*\b(?:sized|LONG|SIZE)\b[^}]*\} from '[^']*campaigns\/src\/size\.ts'/;

/** An import of types alone runs nothing. */
const OF_TYPES = /^import type \{[^}]*\} from '[^']*';$/gm;

/** The modules of the same checkout that a module imports or runs, by their paths in it. */
const IMPORTED = /(?:\bfrom |\bimport\(|\bimport |new URL\()'(?<path>\.[^']*\.ts)'/g;

/**
 * The files of the tests that do more in a full run than in a short one, themselves or by what they import, and of those
 * that a short run leaves out (`*.long.test.ts`).
 */
export function longTests(root: string): string[] {
  const known = new Map<string, boolean>();
  const isLong = (file: string): boolean => {
    const before = known.get(file);
    if (before !== undefined) return before;
    // Until it is known; so modules that import each other come to an end.
    known.set(file, false);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const imports = [...text.replace(OF_TYPES, '').matchAll(IMPORTED)].map(({ groups }) =>
      resolve(dirname(file), groups?.['path'] ?? ''),
    );
    const result = file.endsWith('.long.test.ts') || SIZED.test(text) || imports.filter(isOfTests).some(isLong);
    known.set(file, result);
    return result;
  };
  return globSync('{packages,tools}/*/test/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] })
    .map((file) => join(root, file))
    .filter(isLong)
    .map((file) => relative(root, file))
    .toSorted();
}

/** The files of the tests that a short run leaves out. */
export function leftOut(root: string): string[] {
  return globSync(`{packages,tools}/*/test/${LONG_FILES}`, { cwd: root, exclude: ['**/node_modules/**'] });
}

/** What is published knows no sizes. */
function isOfTests(file: string): boolean {
  return /\/test\/|\/tools\/services\//.test(file);
}
