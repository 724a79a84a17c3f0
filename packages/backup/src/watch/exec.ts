import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import process from 'node:process';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { Alert, AlertSink } from './alerts.ts';
import { moment } from './conditions.ts';
import { limited } from './deliver.ts';

const TIMEOUT = 10_000;
/** How long a program may take to end when it is asked to, in milliseconds. */
const GRACE = 2000;
/** No program that tells of alerts needs these. */
const SECRETS: ReadonlySet<string> = new Set(['SECURESTORE_PASSPHRASE', 'SECURESTORE_TOKEN']);

export interface ExecHookOptions {
  readonly clock: Clock;
  /** The program and its arguments, as they are: there is no shell. */
  readonly command: readonly string[];
  /** Of the sink. Default `exec`. */
  readonly name?: string | undefined;
  /** The environment beside the `SECURESTORE_ALERT_…` variables. Default that of this process without its secrets. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** How long it may run, in milliseconds. Default ten seconds. */
  readonly timeout?: number | undefined;
}

function ownEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRETS.has(name)));
}

function variablesOf({ id, event, severity, message, since, facts }: Alert): Record<string, string> {
  return {
    SECURESTORE_ALERT_ID: id,
    SECURESTORE_ALERT_EVENT: event,
    SECURESTORE_ALERT_SEVERITY: severity,
    SECURESTORE_ALERT_MESSAGE: message,
    SECURESTORE_ALERT_SINCE: moment(since),
    ...(facts.lastGood !== undefined && { SECURESTORE_ALERT_LAST_GOOD: moment(facts.lastGood) }),
    ...(facts.lag !== undefined && { SECURESTORE_ALERT_LAG_MS: String(facts.lag) }),
  };
}

/** Also what the program has started itself; on Windows there are no such groups. */
function killGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Nothing of it is left.
  }
}

function startError(error: NodeJS.ErrnoException): SecureStoreError {
  if (error.code === 'ENOENT')
    return new SecureStoreError('NOT_FOUND', 'there is no such program as the exec hook names');
  if (error.code === 'EACCES')
    return new SecureStoreError('ACCESS_DENIED', 'the program of the exec hook may not be run');
  return new SecureStoreError(
    'UNAVAILABLE',
    `the program of the exec hook can't be started (${error.code ?? 'unknown'})`,
  );
}

async function runHook(child: ChildProcess, input: string, clock: Clock, limit: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const end = new Promise<{ code: number | null; signal: string | null } | SecureStoreError>((resolve) => {
    child.once('error', (error) => resolve(startError(error)));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // A program need not read what it is told.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const stop = async (): Promise<void> => {
    killGroup(child, 'SIGTERM');
    await clock.sleep(GRACE, ended.signal).catch(() => undefined);
    killGroup(child, 'SIGKILL');
  };
  let stopped: Promise<void> | undefined;
  const onAbort = (): void => {
    stopped = stop();
  };
  if (limit.aborted) onAbort();
  else limit.addEventListener('abort', onAbort, { once: true });
  const result = await end;
  limit.removeEventListener('abort', onAbort);
  ended.abort();
  await stopped;
  if (limit.aborted) throw limit.reason;
  if (result instanceof Error) throw result;
  if (result.code === 0) return;
  const how = result.code === null ? `by ${result.signal ?? 'a signal'}` : `with exit code ${result.code}`;
  throw new SecureStoreError('UNAVAILABLE', `the program of the exec hook ended ${how}`);
}

/**
 * Runs a program for each alert, with the alert in environment variables and as JSON on its stdin. It has succeeded
 * where it ends with 0 in time; else it is run again, up to three times. One that takes too long is ended together with all
 * that it has started.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where there is no program to run
 */
export function execHook(options: ExecHookOptions): AlertSink {
  const { clock, command, name = 'exec', env = ownEnvironment(), timeout = TIMEOUT } = options;
  const [program, ...args] = command;
  if (program === undefined || program === '') {
    throw new SecureStoreError('INVALID_ARGUMENT', 'an exec hook names a program, and then its arguments');
  }
  return {
    name,
    send: (alert, signal) =>
      limited(clock, timeout, 'the program of the exec hook', signal, async (limit) => {
        const child = spawn(program, args, {
          env: { ...env, ...variablesOf(alert) },
          stdio: ['pipe', 'ignore', 'ignore'],
          // In a group of its own, which can be ended as a whole.
          detached: process.platform !== 'win32',
          windowsHide: true,
        });
        await runHook(child, `${JSON.stringify(alert)}\n`, clock, limit);
      }),
  };
}
