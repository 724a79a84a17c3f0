import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { documentOf, filesWithoutRun, outcomesIn } from './report.ts';
import type { Report } from './report.ts';

const PAGE = 'docs/conformance.md';

/** Where the run of a checkout's tests leaves what came of them. */
export interface Check {
  readonly root: string;
  /** The JSON report of Vitest on, at least, the tests of all backends. */
  readonly report: string;
  /** Whether the page is written anew. */
  readonly write: boolean;
  /** Whether the run was to have all that the page has; a short run has less. */
  readonly isWhole: boolean;
  readonly log: (line: string) => void;
}

/**
 * Compares the page with a report, or writes it. Of a run that had less than the page, what it had is compared.
 *
 * @returns how many comparisons held, failed and were skipped: one in all
 */
export async function checkConformance({
  root,
  report: file,
  write,
  isWhole,
  log,
}: Check): Promise<{ passed: number; failed: number; skipped: number }> {
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  const outcomes = outcomesIn(report);
  const missing = filesWithoutRun(report);
  if (missing.length > 0) log(`skipped: the comparison of ${PAGE} with what did not run: ${missing.join(', ')}`);
  const isPartial = missing.length > 0 || !isWhole;
  const failures = outcomes.filter(({ status }) => status === 'failed');
  for (const { backend, concern, test } of failures) log(`${backend} fails: ${concern}: ${test}`);
  if (failures.length > 0 || (write && isPartial) || (outcomes.length === 0 && missing.length === 0)) {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const document = documentOf(outcomes);
  const page = await readFile(join(root, PAGE), 'utf8');
  if (write) await writeFile(join(root, PAGE), document);
  else if (outcomes.length > 0 && (isPartial ? !hasLinesOf(page, document) : page !== document)) {
    log(`${PAGE} is not what the suite reports: run "npm run conformance -- --write" and look at what it changes.`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return { passed: outcomes.length > 0 ? 1 : 0, failed: 0, skipped: missing.length > 0 ? 1 : 0 };
}

/** Whether a page says of each backend and each test what a document says that leaves some out. */
function hasLinesOf(page: string, document: string): boolean {
  const lines = new Set(page.split('\n'));
  return document.split('\n').every((line) => lines.has(line));
}
