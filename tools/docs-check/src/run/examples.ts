/** A code block of a Markdown file that is meant to be run: its fence begins with three backticks and `ts run`. */
export interface Example {
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** What it says it prints: a line for each `console.log(…); // this`. */
  readonly output: readonly string[];
}

const OPENING = /^```ts run$/;
const FENCE = /^```/;
const PRINTED = /console\.log\(.*\); \/\/ (.*)$/;

/** @throws Error where a block isn't closed. */
export function findExamples(markdown: string): Example[] {
  const lines = markdown.split('\n');
  const examples: Example[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (!FENCE.test(lines[at] ?? '')) continue;
    const end = lines.findIndex((line, index) => index > at && FENCE.test(line));
    if (end === -1) throw new Error(`The code block in line ${at + 1} isn't closed.`);
    if (OPENING.test(lines[at] ?? '')) examples.push(exampleOf(at + 2, lines.slice(at + 1, end)));
    at = end;
  }
  return examples;
}

function exampleOf(line: number, code: readonly string[]): Example {
  return { line, code: code.join('\n'), output: code.flatMap((text) => PRINTED.exec(text)?.[1] ?? []) };
}
