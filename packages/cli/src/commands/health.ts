import { isServed } from '@securestore/backend-api';
import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import { styleText } from 'node:util';
import type { HealthCheck, HealthReport, HealthStatus } from 'securestore';
import type { Call, ExitCode } from '../call.ts';
import type { OutputStream } from '../cli-context.ts';
import { inOurTerms } from '../error-report.ts';
import { locationOf, withStoreWithin } from '../open.ts';
import { parseDuration } from '../parse-time.ts';
import { formatTable, printable } from '../terminal-text.ts';

export interface HealthOptions {
  readonly within?: string;
}

const DEFAULT_WITHIN = '10s';

const COLORS: Readonly<Record<HealthStatus, 'green' | 'yellow' | 'red'>> = {
  ok: 'green',
  degraded: 'yellow',
  failing: 'red',
};

const nameOf = ({ name, subject }: HealthCheck): string =>
  printable(subject === undefined ? name : `${name} ${subject}`);

/** A state in its colour, where `stream` is a terminal that shows colours. */
const coloured = (status: HealthStatus, stream: OutputStream): string => styleText(COLORS[status], status, { stream });

function tableOf({ checks }: HealthReport, stream: OutputStream): string[] {
  const [title = '', ...rows] = formatTable(
    [{ title: 'STATUS' }, { title: 'CHECK' }, { title: 'REASON' }],
    checks.map((check) => [printable(check.status), nameOf(check), printable(check.reason)]),
  );
  const lines = rows.map((row, at) => {
    const status = checks[at]?.status ?? 'ok';
    return row.replace(status, coloured(status, stream));
  });
  return [title, ...lines];
}

/** What to do about what is not as it should be; once where it is the same for several. */
function adviceOf({ checks }: HealthReport): string[] {
  const subjects = new Map<string, string[]>();
  for (const check of checks) {
    if (check.status === 'ok') continue;
    const advice = printable(check.advice);
    subjects.set(advice, [...(subjects.get(advice) ?? []), nameOf(check)]);
  }
  return [...subjects].map(([advice, names]) => `${names.join(', ')}: ${advice}`);
}

async function look(call: Call<HealthOptions>): Promise<HealthReport> {
  const { cli, options } = call;
  const timeout = parseDuration('--within', options.within ?? DEFAULT_WITHIN);
  const begun = performance.now();
  try {
    // Opening it has as long as looking at it.
    return await withStoreWithin(call, timeout, (store) => store.health({ timeout, signal: cli.signal }));
  } catch (error) {
    // Who may not ask learns nothing of the store.
    if (SecureStoreError.is(error, 'ACCESS_DENIED') && isServed(await locationOf(call))) throw error;
    const { unopened } = await import('securestore');
    const report = cli.signal.aborted ? undefined : unopened(error, cli.now(), performance.now() - begun);
    // What says nothing of the store, such as a wrong secret, is an error as with every command.
    if (report === undefined) throw error;
    return { ...report, checks: report.checks.map((check) => ({ ...check, reason: inOurTerms(check.reason) })) };
  }
}

/** `securestore health`. */
export async function health(call: Call<HealthOptions>): Promise<ExitCode> {
  const { cli, out } = call;
  const report = await look(call);
  const { status, checks, time, took } = report;
  if (out.json) {
    for (const check of checks) await out.result(check, () => []);
    await out.result({ summary: { status, time, took: Math.round(took) } }, () => []);
  } else {
    const advice = adviceOf(report);
    const todo = advice.length === 0 ? [] : ['', 'What to do:', ...advice.map((line) => `  ${line}`)];
    await out.result({}, () => [...tableOf(report, cli.stdout), ...todo, '', `the store is ${status}`]);
  }
  return status === 'failing' ? exitCodeOf('UNAVAILABLE') : 0;
}
