const ID = /\[([A-Z]-\d{2})\]/g;

/** A requirement of the specification. */
export interface Requirement {
  readonly id: string;
  /** The line of its first word, from 1. */
  readonly line: number;
}

/** What a specification says, and where it breaks its own rules. */
export interface Specification {
  readonly requirements: readonly Requirement[];
  readonly problems: readonly string[];
}

/** A file of tests. */
export interface TestFile {
  readonly path: string;
  readonly text: string;
}

interface Block {
  readonly text: string;
  readonly line: number;
}

const BEGINS_BLOCK = /^(\s*([-*+]|\d+\.)\s|\||#)/;

/** Paragraphs, list items, table rows and headings; code is left out. */
function blocksOf(markdown: string): Block[] {
  const blocks: { text: string; line: number }[] = [];
  let inCode = false;
  let open = false;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (text.trimStart().startsWith('```')) {
      inCode = !inCode;
      open = false;
      continue;
    }
    if (inCode || text.trim() === '') {
      open = false;
      continue;
    }
    const last = blocks.at(-1);
    if (open && last !== undefined && !BEGINS_BLOCK.test(text)) last.text += `\n${text}`;
    else blocks.push({ text, line: index + 1 });
    open = true;
  }
  return blocks;
}

const idsIn = (text: string): string[] => Array.from(text.matchAll(ID), ([, id]) => id ?? '');

/**
 * Reads a specification. A block that says MUST says it under exactly one id, `[R-07]`, and each id stands in one such
 * block; elsewhere requirements are referred to without brackets.
 */
export function readSpecification(markdown: string): Specification {
  const requirements: Requirement[] = [];
  const problems: string[] = [];
  const lines = new Map<string, number>();
  for (const { text, line } of blocksOf(markdown)) {
    const must = /\bMUST\b/.test(text);
    const ids = idsIn(text);
    const [id] = ids;
    if (must && ids.length !== 1) problems.push(`line ${line}: a MUST has ${ids.length} ids instead of one`);
    if (!must && id !== undefined) problems.push(`line ${line}: ${id} has no MUST`);
    if (!must || id === undefined) continue;
    const before = lines.get(id);
    if (before !== undefined) problems.push(`line ${line}: ${id} is taken by line ${before}`);
    lines.set(id, line);
    requirements.push({ id, line });
  }
  return { requirements, problems };
}

const SKIPPED = /\.(skip|todo)\b/;

/** The ids that tests name; lines of tests that are skipped don't count. */
function namedBy({ text }: TestFile): string[] {
  return text.split('\n').flatMap((line) => (SKIPPED.test(line) ? [] : idsIn(line)));
}

/** Everything that keeps specification and tests from saying the same: empty where each MUST has a test. */
export function traceProblems(specification: Specification, tests: readonly TestFile[]): string[] {
  const known = new Set(specification.requirements.map(({ id }) => id));
  const tested = new Set(tests.flatMap(namedBy));
  const untested = specification.requirements
    .filter(({ id }) => !tested.has(id))
    .map(({ id, line }) => `line ${line}: no test names ${id}`);
  const unknown = tests.flatMap((file) =>
    [...new Set(namedBy(file))].filter((id) => !known.has(id)).map((id) => `${file.path}: ${id} is in no MUST`),
  );
  return [...specification.problems, ...untested, ...unknown];
}
