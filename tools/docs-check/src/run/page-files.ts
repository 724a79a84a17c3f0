const FILE = /^```ts\n\/\/ (\S+\.ts)\n([^]*?)^```$/gm;

/** The files that a page shows: each block of TypeScript whose first line is a comment with a path, by that path. */
export function filesIn(markdown: string): Map<string, string> {
  return new Map([...markdown.matchAll(FILE)].map(([, path = '', code = '']) => [path, code]));
}
