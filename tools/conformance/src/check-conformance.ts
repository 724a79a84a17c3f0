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
  readonly log: (line: string) => void;
}

/**
 * Compares the page with a report, or writes it. Where a server could not be had there is nothing to compare.
 *
 * @returns how many comparisons held, failed and were skipped: one in all
 */
export async function checkConformance({
  root,
  report: file,
  write,
  log,
}: Check): Promise<{ passed: number; failed: number; skipped: number }> {
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  const outcomes = outcomesIn(report);
  const missing = filesWithoutRun(report);
  if (missing.length > 0) {
    log(`skipped: the comparison of ${PAGE}: these had no server: ${missing.join(', ')}`);
    return { passed: 0, failed: write ? 1 : 0, skipped: write ? 0 : 1 };
  }
  const page = documentOf(outcomes);
  const failures = outcomes.filter(({ status }) => status === 'failed');
  for (const { backend, concern, test } of failures) log(`${backend} fails: ${concern}: ${test}`);
  if (failures.length > 0 || outcomes.length === 0) return { passed: 0, failed: 1, skipped: 0 };
  if (write) await writeFile(join(root, PAGE), page);
  else if (page !== (await readFile(join(root, PAGE), 'utf8'))) {
    log(`${PAGE} is not what the suite reports: run "npm run conformance -- --write" and look at what it changes.`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return { passed: 1, failed: 0, skipped: 0 };
}
