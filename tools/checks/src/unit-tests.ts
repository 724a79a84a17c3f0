import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { exitCodeOf } from './run-tool.ts';
import { add, tallyOf } from './stages.ts';
import type { Tally } from './stages.ts';

/** Where a run leaves Vitest's JSON report, in the checkout. */
export const UNIT_REPORT = '.cache/vitest.json';

/** What is read of Vitest's JSON report. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Why a file failed that could not be loaded. */
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/**
 * Runs the tests of the workspace, or those of `files` (parts of paths); a run that fails in some other way than by a test
 * counts as one failure more.
 */
export async function runUnitTests(root: string, files: readonly string[] = []): Promise<Tally> {
  const file = join(root, UNIT_REPORT);
  const code = await exitCodeOf(root, join(root, 'node_modules/vitest/vitest.mjs'), [
    'run',
    ...files,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  for (const line of [...skippedTests(report), ...failedTests(report, root)]) console.log(line);
  const tally = tallyReport(report);
  return code !== 0 && tally.failed === 0 ? add(tally, tallyOf(false)) : tally;
}

/** A file that failed without a failed test in it (it can't be loaded, say) counts as one failure. */
export function tallyReport(report: Report): Tally {
  let total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    const count = (status: string): number => file.assertionResults.filter((test) => test.status === status).length;
    const passed = count('passed');
    const failed = count('failed');
    const skipped = file.assertionResults.length - passed - failed;
    total = add(total, { passed, failed: failed === 0 && file.status === 'failed' ? 1 : failed, skipped });
  }
  return total;
}

/** What was skipped, a line for each reason that the names give; of many tests of one reason only the first few are named. */
export function skippedTests(report: Report): string[] {
  const skipped = report.testResults
    .flatMap((file) => file.assertionResults)
    .filter((test) => test.status !== 'passed' && test.status !== 'failed')
    .map((test) => test.fullName);
  const byReason = Map.groupBy(skipped, (name) => /\((?<reason>[^()]*)\)/.exec(name)?.groups?.['reason'] ?? name);
  return [...byReason.values()].flatMap((names) => {
    const named = names.slice(0, NAMED).map((name) => `skipped: ${name}`);
    return names.length > NAMED ? [...named, `skipped: ${names.length - NAMED} more for the same reason`] : named;
  });
}

const NAMED = 4;

/** What failed and how, to be read at the end of a long run: continuous integration may keep no more than that. */
export function failedTests(report: Report, root: string): string[] {
  return report.testResults.flatMap((file) => {
    const where = relative(root, file.name);
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return file.status === 'failed' ? [`failed: ${where}\n${shortened(file.message)}`] : [];
    return failed.map((test) => `failed: ${where}: ${test.fullName}\n${shortened(test.failureMessages?.join('\n'))}`);
  });
}

function shortened(message = ''): string {
  return message
    .split('\n')
    .slice(0, 20)
    .map((line) => `  ${line}`)
    .join('\n');
}
