import { exitCodeOf } from '@securestore/core-format';
import { styleText } from 'node:util';
import type { HealthCheck, HealthReport, HealthStatus } from 'securestore';
import type { Call, ExitCode } from '../call.ts';
import { withStore } from '../open.ts';
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
  subject === undefined ? name : `${name} ${printable(subject)}`;

function tableOf({ checks }: HealthReport, isColored: boolean): string[] {
  const [title = '', ...rows] = formatTable(
    [{ title: 'STATUS' }, { title: 'CHECK' }, { title: 'REASON' }],
    checks.map((check) => [check.status, nameOf(check), printable(check.reason)]),
  );
  const lines = rows.map((row, at) => {
    const status = checks[at]?.status ?? 'ok';
    return isColored ? row.replace(status, styleText(COLORS[status], status, { validateStream: false })) : row;
  });
  return [title, ...lines];
}

/** What to do, for each thing that is not as it should be. */
function adviceOf({ checks }: HealthReport): string[] {
  const troubled = checks.filter(({ status }) => status !== 'ok');
  return troubled.map((check) => `${nameOf(check)}: ${printable(check.advice)}`);
}

/** Opening the store has as long as looking at it; but for somebody who is asked for a passphrase. */
function openingWithin(call: Call<HealthOptions>, timeout: number): Call<HealthOptions> {
  const { cli } = call;
  if (cli.stdin.isTTY === true) return call;
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(timeout)]);
  return { ...call, cli: { ...cli, signal } };
}

async function look(call: Call<HealthOptions>): Promise<HealthReport> {
  const { cli, options } = call;
  const timeout = parseDuration('--within', options.within ?? DEFAULT_WITHIN);
  try {
    return await withStore(openingWithin(call, timeout), (store) => store.health({ timeout, signal: cli.signal }));
  } catch (error) {
    const { unopened } = await import('securestore');
    const report = cli.signal.aborted ? undefined : unopened(error, cli.now());
    // What says nothing of the store, such as a wrong secret, is an error as with every command.
    if (report === undefined) throw error;
    return report;
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
    await out.result({}, () => [...tableOf(report, cli.stdout.isTTY === true), ...todo, '', `the store is ${status}`]);
  }
  return status === 'failing' ? exitCodeOf('UNAVAILABLE') : 0;
}
