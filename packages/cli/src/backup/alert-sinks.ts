import { accessSync, constants, statSync } from 'node:fs';
import { SecureStoreError } from '@securestore/core-format';
import type { RunSchedulesOptions } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';
import type { Cli } from '../terminal/cli-context.ts';
import { filesOfCommand } from '../terminal/search-path.ts';

/** The options that name the sinks of alerts. */
export interface AlertOptions {
  readonly webhook?: string;
  readonly exec?: string;
}

export type Sink = NonNullable<RunSchedulesOptions['sinks']>[number];
type Alert = Parameters<Sink['send']>[0];

/** Why a file is no program that this user may run; `undefined` if it is one. */
function whyNot(file: string): 'NOT_FOUND' | 'ACCESS_DENIED' | undefined {
  try {
    if (!statSync(file).isFile()) return 'ACCESS_DENIED';
  } catch {
    return 'NOT_FOUND';
  }
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return 'ACCESS_DENIED';
  }
}

/**
 * Checks a program that is run only when it is needed, which may be months later.
 *
 * @throws `NOT_FOUND`, `ACCESS_DENIED` if it can't be run
 */
export function checkProgram({ env, platform }: Pick<Cli, 'env' | 'platform'>, option: string, program: string): void {
  // Windows adds suffixes to the names of programs.
  if (platform === 'win32') return;
  if (program === '') refuse(`${option} must name a program`);
  const reasons = filesOfCommand(program, env).map(whyNot);
  if (reasons.includes(undefined)) return;
  const shown = JSON.stringify(program);
  if (reasons.includes('ACCESS_DENIED')) {
    throw refusal('ACCESS_DENIED', `the program ${shown} of ${option} is not executable`, {
      hints: [{ text: 'make it executable, or give another program' }],
    });
  }
  throw refusal('NOT_FOUND', `the program ${shown} of ${option} does not exist`, {
    hints: [{ text: `${option} takes the path of one program, without arguments` }],
  });
}

/** For each option with a URL: the option that does the same by a program. */
const ENCRYPTED = {
  '--webhook': '--exec PROGRAM, which gets each alert as JSON on stdin',
  '--ping': '--after PROGRAM, which is started after each run',
} as const;

/** Calls `make`, which checks the URL of an option. @throws its error, with a hint */
export function fromUrl<T>(option: keyof typeof ENCRYPTED, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const text = `give ${option} a URL that begins with https:, or give ${ENCRYPTED[option]}`;
    throw withHints(error, { text });
  }
}

/** The sinks that get alerts. @throws `INVALID_ARGUMENT` for an URL that may not be one */
export async function sinksOf({ cli, options }: Call<AlertOptions>): Promise<Sink[]> {
  const { execHook, webhook } = await import('securestore');
  const url = options.webhook ?? cli.env['SECURESTORE_WEBHOOK_URL'];
  return [
    ...(url === undefined ? [] : [fromUrl('--webhook', () => webhook({ url }))]),
    ...(options.exec === undefined ? [] : [execHook({ command: [options.exec] })]),
  ];
}

/**
 * Sends an alert to each sink, which begins and ends as one does, and needs no store.
 *
 * @throws `INVALID_ARGUMENT` if no sink is given
 */
export async function sendTestAlert(call: Call<AlertOptions>): Promise<ExitCode> {
  const { cli, out, verb } = call;
  const sinks = await sinksOf(call);
  if (sinks.length === 0) refuse('--test-alert needs --webhook, $SECURESTORE_WEBHOOK_URL or --exec');
  const now = cli.now().getTime();
  const about = { id: 'test', severity: 'warning', since: now, at: now, facts: { now } } as const;
  const message = 'this is a test alert of securestore, and nothing is wrong';
  const alerts: Alert[] = [
    { ...about, event: 'begin', message, advice: 'nothing is to be done' },
    { ...about, event: 'end', message: `ended: ${message}`, advice: 'nothing is to be done any more' },
  ];
  let failed = 0;
  for (const sink of sinks) {
    try {
      for (const alert of alerts) await sink.send(alert, cli.signal);
      await out.result({ sink: sink.name, sent: true }, () => `${sink.name}: sent a test alert, and its end`);
    } catch (error) {
      if (!SecureStoreError.is(error) || cli.signal.aborted) throw error;
      failed += 1;
      out.error(error, { operation: verb, subject: sink.name });
      if (out.json) await out.result({ sink: sink.name, sent: false, error: error.code }, () => []);
    }
  }
  return failed === 0 ? 0 : SOME_FAILED;
}
