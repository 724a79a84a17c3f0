import { isServed } from '@securestore/backend-api';
import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { HealthReport } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { healthLines } from './health-table.ts';
import { storeUrlOf, withStoreWithin } from '../store/open.ts';
import { parseDurationWithin } from '../call/parse-time.ts';

export interface HealthOptions {
  readonly timeout?: string;
}

const DEFAULT_TIMEOUT = '10s';

async function look(call: Call<HealthOptions>): Promise<HealthReport> {
  const { cli, options } = call;
  const timeout = parseDurationWithin('--timeout', options.timeout ?? DEFAULT_TIMEOUT, { from: '1s', to: '1d' });
  const begun = performance.now();
  try {
    // Opening it has as long as looking at it.
    return await withStoreWithin(call, timeout, (store) =>
      watchWait(cli, 'health: looking at the store', store.health({ timeout, signal: cli.signal })),
    );
  } catch (error) {
    // Who may not ask learns nothing of the store.
    if (SecureStoreError.is(error, 'ACCESS_DENIED') && isServed(await storeUrlOf(call))) throw error;
    const { unopened } = await import('securestore');
    const report = cli.signal.aborted ? undefined : unopened(error, cli.now(), performance.now() - begun);
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
    await out.result({}, () => healthLines(report, cli.stdout));
  }
  return status === 'failing' ? exitCodeOf('UNAVAILABLE') : 0;
}
