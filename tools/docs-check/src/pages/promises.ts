import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of tests. */
export interface TestFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

const ID = /\bT-[A-Z]+-\d+\b/g;
/** A promise where it is made: an anchor to link to, then its id. */
const PROMISE = /^- (?:<a id="(?<anchor>[^"]*)"><\/a>)?\*\*(?<id>T-[A-Z]+-\d+)\*\* (?<text>.*)$/gm;
/** The comment above a test with the ids of the promises that the test attacks. */
const COMMENT = /^ *\/\/ (?<ids>T-[A-Z]+-\d+(?:, T-[A-Z]+-\d+)*)\n *(?:it|test|describe)\b/gm;

/** The tests of all packages. @param root of the repository */
export function readTests(root: string): TestFile[] {
  const paths = globSync('packages/*/test/**/*.test.ts', { cwd: root, exclude: (path) => path === 'node_modules' });
  return paths.toSorted().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The ids of the promises that a page makes, in their order. */
export function promiseIds(page: string): string[] {
  return [...page.matchAll(PROMISE)].map(({ groups }) => groups?.['id'] ?? '');
}

/** The ids that the comments above the tests of a file name, once for each test. */
export function citedIds(text: string): string[] {
  return [...text.matchAll(COMMENT)].flatMap(({ groups }) => groups?.['ids']?.split(', ') ?? []);
}

/** The files with tests of each promise. */
export function filesOfPromises(tests: readonly TestFile[]): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>();
  for (const { path, text } of tests) {
    for (const id of new Set(citedIds(text))) files.set(id, [...(files.get(id) ?? []), path]);
  }
  return files;
}

const repeated = (ids: readonly string[]): string[] => [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];

/** The findings about one file of tests. */
function testFindings({ path, text }: TestFile, promised: readonly string[]): string[] {
  const cited = citedIds(text);
  const unknown = [...new Set(cited)].filter((id) => !promised.includes(id));
  return [
    ...unknown.map((id) => `${path}: ${id} is not promised`),
    ...((text.match(ID)?.length ?? 0) > cited.length ? [`${path}: an id is not in a comment above a test`] : []),
  ];
}

/** What is wrong with the ids of the promises of a page, and with the tests that name them, one a line. */
export function promiseFindings(page: string, tests: readonly TestFile[]): string[] {
  const promises = [...page.matchAll(PROMISE)].map(({ groups }) => groups ?? {});
  const made = promiseIds(page);
  const tested = filesOfPromises(tests);
  return [
    ...repeated(made).map((id) => `${id} is promised twice`),
    ...made.filter((id) => !tested.has(id)).map((id) => `${id} has no test`),
    ...promises
      .filter(({ id = '', anchor }) => anchor !== id.toLowerCase())
      .map(({ id = '' }) => `${id} has the wrong anchor`),
    ...promises
      .filter(({ text: promise = '' }) => promise.trim() === '')
      .map(({ id = '' }) => `${id} promises nothing`),
    ...[...new Set(page.match(ID))]
      .filter((id) => !made.includes(id))
      .map((id) => `${id} is mentioned, and not promised`),
    ...tests.flatMap((test) => testFindings(test, made)),
  ];
}
