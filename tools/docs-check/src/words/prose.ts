import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Turns of phrase that make a reader read twice. Each is sometimes right, so that none is forbidden: a file has a budget of each, which
 * only falls.
 */
export const PATTERNS = {
  where: /\bwhere\b/gi,
  somebody: /\b(?:some|no|every|any)body\b/gi,
  /** A sentence that begins with a clause as its subject. */
  whoever: /(?:^|[.:!?]\s+|\n\s*(?:[-*|>#]+ )*)(?:What|Who|Whoever|Whose)\b(?![^.?!]*\?)/g,
  'goes on': /\b(?:go|goes|going|gone|went) on\b/gi,
  lies: /\b(?:lies|lie|lay|lain|stands?|stood)\b/gi,
  'is told': /\b(?:is|are|was|were|be|been|being) (?:said|told)\b/gi,
  anew: /\banew\b/gi,
  'but for': /\bbut for\b|\bin (?:the )?place of\b|\bbrought back\b/gi,
} as const;

/** The name of a pattern. */
export type Pattern = keyof typeof PATTERNS;

/** How often each pattern is in a text; those that aren't are left out. */
export type Counts = Partial<Record<Pattern, number>>;

const NAMES = Object.keys(PATTERNS) as Pattern[];

const CODE_BLOCK = /^ *```[^]*?^ *```/gm;
const CODE_SPAN = /`[^`\n]*`/g;
const COMMENT = /\/\*\*?([^]*?)\*\/|(?<=^|\s)\/\/(.*)$/gm;

/** The same text with as many lines, but without code. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(CODE_BLOCK, (block) => block.replaceAll(/[^\n]/g, '')).replaceAll(CODE_SPAN, '``');
}

/** What people read of a file: a page without its code, or the comments of a source. */
function proseOf(file: string, text: string): string {
  if (file.endsWith('.md')) return withoutCode(text);
  const comments = [...text.matchAll(COMMENT)].map(
    ([, block, line]) => block?.replaceAll(/^\s*\* ?/gm, '') ?? line ?? '',
  );
  return withoutCode(comments.join('\n'));
}

/** How often each pattern is in the prose of a file. */
export function countsOf(file: string, text: string): Counts {
  const prose = proseOf(file, text);
  const counts = NAMES.map((name) => [name, prose.match(PATTERNS[name])?.length ?? 0] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** The files that are counted: pages, and the sources of packages, whose comments their users read. */
function proseFiles(root: string): string[] {
  const patterns = ['*.md', 'docs/**/*.md', '{packages,tools,examples}/**/*.md', 'packages/*/src/**/*.{ts,tsx}'];
  return globSync(patterns, {
    cwd: root,
    exclude: ['**/node_modules/**', '**/dist/**', '**/CHANGELOG.md', '**/site/pages/**'],
  }).toSorted();
}

/** The counts of all files that have any. */
export function countAll(root: string): Record<string, Counts> {
  const files = proseFiles(root).map((file) => [file, countsOf(file, readFileSync(join(root, file), 'utf8'))] as const);
  return Object.fromEntries(files.filter(([, counts]) => Object.keys(counts).length > 0));
}

/** What is over the budget, and what is so far under it that the budget has to fall, each as a line. */
export function compareToBudget(
  counts: Readonly<Record<string, Counts>>,
  budget: Readonly<Record<string, Counts>>,
): { readonly over: string[]; readonly under: string[] } {
  const files = [...new Set([...Object.keys(counts), ...Object.keys(budget)])].toSorted();
  const over: string[] = [];
  const under: string[] = [];
  for (const file of files) {
    for (const name of NAMES) {
      const [found, allowed] = [counts[file]?.[name] ?? 0, budget[file]?.[name] ?? 0];
      if (found > allowed) over.push(`${file}: ${name} ${found} times, ${allowed} allowed`);
      if (found < allowed) under.push(`${file}: ${name} ${found} times, the budget still allows ${allowed}`);
    }
  }
  return { over, under };
}

/** The budget with nothing in it that is not needed. */
export function lowered(
  counts: Readonly<Record<string, Counts>>,
  budget: Readonly<Record<string, Counts>>,
): Record<string, Counts> {
  const files = Object.entries(budget).map(([file, allowed]) => {
    const needed = NAMES.map((name) => [name, Math.min(counts[file]?.[name] ?? 0, allowed[name] ?? 0)] as const);
    return [file, Object.fromEntries(needed.filter(([, count]) => count > 0))] as const;
  });
  return Object.fromEntries(files.filter(([, allowed]) => Object.keys(allowed).length > 0));
}
