import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LONG_FILES } from './long-tests.ts';
import { exitCodeOf } from './run-tool.ts';
import { SIZE_VARIABLE } from '../../campaigns/src/size.ts';
import type { Size } from '../../campaigns/src/size.ts';
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

/** What of the tests runs. */
export interface Selection {
  readonly size: Size;
  /** Parts of the paths of the files to run; all of them if there are none. */
  readonly files?: readonly string[];
}

/** Runs tests; a run that fails in some other way than by a test counts as one failure more. */
export async function runUnitTests(root: string, { size, files = [] }: Selection): Promise<Tally> {
  const file = join(root, UNIT_REPORT);
  process.env[SIZE_VARIABLE] = size;
  await mkdir(dirname(file), { recursive: true });
  const code = await exitCodeOf(root, join(root, 'node_modules/vitest/vitest.mjs'), [
    'run',
    // One "only" that was left behind would silence all others.
    '--allowOnly=false',
    ...files,
    ...(size === 'short' ? [`--exclude=${LONG_FILES}`] : []),
    '--reporter=minimal',
    `--reporter=${join(root, 'tools/checks/src/run-reporter.ts')}`,
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
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
