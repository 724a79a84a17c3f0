import type { BackendCapabilities } from '@securestore/backend-api';
import { CONTRACT_VERSION } from '@securestore/backend-api';
import packageJson from '../package.json' with { type: 'json' };
import { CONCERNS, chooseSeed, decide, inspect, runTest } from './suite.ts';
import type { ConformanceOptions, ConformanceTest } from './support/types.ts';

const SUITE_VERSION: string = packageJson.version;

/** How one test ended. */
export type ConformanceResult = { readonly concern: string; readonly test: string } & (
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly error: string }
  | { readonly status: 'skipped'; readonly reason: string }
);

/** How a whole run ended. */
export interface ConformanceReport {
  readonly name: string;
  /** Which version of what was tested; absent where the options have none. */
  readonly version?: string;
  readonly seed: number;
  readonly capabilities: BackendCapabilities;
  readonly results: readonly ConformanceResult[];
}

/** Runs the suite without a test runner, one test after the other, and never throws for a test that fails. */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const subject = await inspect(options);
  const seed = chooseSeed(options);
  const results: ConformanceResult[] = [];
  for (const concern of CONCERNS) {
    for (const test of concern.tests) {
      const decision = decide(test, subject);
      if (decision === undefined) continue;
      const place = { concern: concern.name, test: test.name };
      results.push(
        decision === 'run'
          ? { ...place, ...(await outcomeOf(test, options, seed)) }
          : { ...place, status: 'skipped', reason: decision.skip },
      );
    }
  }
  const { name, version } = options;
  return { name, ...(version !== undefined && { version }), seed, capabilities: subject.capabilities, results };
}

async function outcomeOf(
  test: ConformanceTest,
  options: ConformanceOptions,
  seed: number,
): Promise<{ status: 'passed' } | { status: 'failed'; error: string }> {
  try {
    await runTest(test, options, seed);
    return { status: 'passed' };
  } catch (error) {
    return { status: 'failed', error: error instanceof Error ? error.message : String(error) };
  }
}

/** A report as Markdown: the figures, the capabilities, and a line for each test. */
export function formatReport(report: ConformanceReport): string {
  const count = (status: ConformanceResult['status']): number =>
    report.results.filter((result) => result.status === status).length;
  const capabilities = Object.entries(report.capabilities).map(([name, value]) => `| \`${name}\` | ${value} |`);
  const lines = report.results.map((result) => `| ${result.concern} | ${cell(result.test)} | ${outcome(result)} |`);
  return [
    `# Conformance of ${report.name}${report.version === undefined ? '' : ` ${report.version}`}`,
    '',
    `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped (seed ${report.seed})`,
    '',
    `Contract ${CONTRACT_VERSION}, suite ${SUITE_VERSION}.`,
    '',
    '| capability | declared |',
    '|---|---|',
    ...capabilities,
    '',
    '| concern | test | result |',
    '|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function outcome(result: ConformanceResult): string {
  if (result.status === 'failed') return `**failed**: ${cell(result.error)}`;
  return result.status === 'skipped' ? `skipped: ${cell(result.reason)}` : 'passed';
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll(/\s*\n\s*/g, ' ');
}
