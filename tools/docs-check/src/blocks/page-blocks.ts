import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of a page. */
export interface Block {
  /** The page, from the root of the repository. */
  readonly page: string;
  /** The line of its first line of text, from 1. */
  readonly line: number;
  /** The first word of its info string, such as `ts`. */
  readonly language: string;
  /** What follows that word, such as `run`. */
  readonly info: string;
  /** Why it is not run, by `skip="…"` in the info string. */
  readonly skip: string | undefined;
  readonly text: string;
  /** The block before, if nothing but empty lines is between them. */
  readonly before: Block | undefined;
}

const FENCE = /^( *)(`{3,})(\S*)(?: +(.*?))? *$/;
const SKIP = /^skip="([^"]+)"$/;

/** The fenced blocks of a page, in their order. @throws Error if one is not closed */
export function blocksIn(page: string, markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  let before: Block | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', fence = '', language = '', info = ''] = FENCE.exec(lines[at] ?? '') ?? [];
    if (fence === '') {
      if (lines[at]?.trim() !== '') before = undefined;
      continue;
    }
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence);
    if (end === -1) throw new Error(`The block at line ${at + 1} of ${page} is not closed.`);
    const text = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    const skip = SKIP.exec(info)?.[1];
    before = { page, line: at + 2, language, info, skip, text: `${text.join('\n')}\n`, before };
    blocks.push(before);
    at = end;
  }
  return blocks;
}

/** The pages whose examples users follow: decisions and the format show what readers of the sources need. */
export function pagesWithExamples(root: string): { readonly page: string; readonly markdown: string }[] {
  return globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'], { cwd: root })
    .filter((page) => !page.startsWith('docs/decisions/') && page !== 'docs/format.md')
    .toSorted()
    .map((page) => ({ page, markdown: readFileSync(join(root, page), 'utf8') }));
}
