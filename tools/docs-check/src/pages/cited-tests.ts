/** A test that a document names as evidence. */
export interface CitedTest {
  /** As the document links to it. */
  readonly file: string;
  readonly title: string;
}

/** A link to a file of tests, then titles: ``[x.test.ts](../x.test.ts): `one`; `another` ``. */
const CITATION = /\]\((?<file>[^)\s]+\.test\.ts)\): (?<titles>`[^`]+`(?:; `[^`]+`)*)/g;

export function citedTests(text: string): CitedTest[] {
  return [...text.matchAll(CITATION)].flatMap(({ groups }) => {
    const { file = '', titles = '' } = groups ?? {};
    return [...titles.matchAll(/`([^`]+)`/g)].map(([, title = '']) => ({ file, title }));
  });
}
