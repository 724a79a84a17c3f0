import { citedTests } from './cited-tests.ts';

/** The heading of the appendix that has the tests of each promise. */
const APPENDIX = '\n## Tests\n';

const ID = /\bT-[A-Z]+-\d+\b/g;
/** A promise where it is made: an anchor to link to, then its id. */
const PROMISE = /^- (?:<a id="(?<anchor>[^"]*)"><\/a>)?\*\*(?<id>T-[A-Z]+-\d+)\*\* (?<text>.*)$/gm;
/** A line of the appendix: an id, then its tests, or why there are none. */
const ENTRY = /^- \[(?<id>T-[A-Z]+-\d+)\]\(#(?<anchor>[^)]*)\): (?<tests>.*)$/gm;
const WITHOUT_TEST = /^none: \S.{9,}/;

/** The ids of the promises that a page makes, in their order. */
export function promiseIds(text: string): string[] {
  return [...text.matchAll(PROMISE)].map(({ groups }) => groups?.['id'] ?? '');
}

const repeated = (ids: readonly string[]): string[] => [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];

/** What is wrong with the ids of the promises of a page and with the appendix of their tests, one a line. */
export function promiseFindings(text: string): string[] {
  const cut = text.indexOf(APPENDIX);
  if (cut < 0) return ['there is no appendix "## Tests"'];
  const [page, appendix] = [text.slice(0, cut), text.slice(cut)];
  const promises = [...page.matchAll(PROMISE)].map(({ groups }) => groups ?? {});
  const entries = [...appendix.matchAll(ENTRY)].map(({ groups }) => groups ?? {});
  const made = promises.map(({ id = '' }) => id);
  const tested = entries.map(({ id = '' }) => id);
  const known = new Set([...made, ...tested]);
  return [
    ...repeated(made).map((id) => `${id} is promised twice`),
    ...repeated(tested).map((id) => `${id} is twice in the appendix`),
    ...made.filter((id) => !tested.includes(id)).map((id) => `${id} is not in the appendix`),
    ...tested.filter((id) => !made.includes(id)).map((id) => `${id} is in the appendix alone`),
    ...[...promises, ...entries]
      .filter(({ id = '', anchor }) => anchor !== id.toLowerCase())
      .map(({ id = '' }) => `${id} has the wrong anchor`),
    ...promises
      .filter(({ text: promise = '' }) => promise.trim() === '')
      .map(({ id = '' }) => `${id} promises nothing`),
    ...entries
      .filter(({ tests = '' }) => citedTests(tests).length === 0 && !WITHOUT_TEST.test(tests))
      .map(({ id = '' }) => `${id} has no test, and does not say why`),
    ...[...new Set(text.match(ID))].filter((id) => !known.has(id)).map((id) => `${id} is mentioned, and not promised`),
  ];
}
