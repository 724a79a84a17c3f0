import type { ChildProcess } from 'node:child_process';
import { SecureStoreError, withoutOwn } from '@securestore/core-format';
import { systemClock } from '@securestore/jobs';
import type { Clock } from '@securestore/jobs';
import { refuse } from '../../repository/errors.ts';
import type { Alert, AlertSink } from './alerts.ts';
import { moment } from './conditions.ts';
import { limited } from './deliver.ts';

/** How long a program may take to end when it is asked to, in milliseconds. */
const GRACE = 2000;
/** A program that is run, and how. */
export interface ProgramOptions {
  /** Default that of the machine. */
  readonly clock?: Clock | undefined;
  /** The program and its arguments, as they are: there is no shell. */
  readonly command: readonly string[];
  /**
   * The environment, to which the variables of the alert are added. Default that of this process, without its `SECURESTORE_…`
   * variables and `CREDENTIALS_DIRECTORY`: they have secrets and store URLs, or the paths of secrets.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface ProgramCall {
  /** For messages, such as `the exec hook`. */
  readonly what: string;
  /** In milliseconds. */
  readonly timeout: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly input: string;
  readonly signal: AbortSignal;
}

/** Kills the program and its child processes; on Windows the program alone. */
function killGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // The process is gone.
  }
}

function startError(what: string, error: NodeJS.ErrnoException): SecureStoreError {
  if (error.code === 'ENOENT') return new SecureStoreError('NOT_FOUND', `the program of ${what} does not exist`);
  if (error.code === 'EACCES') return new SecureStoreError('ACCESS_DENIED', `the program of ${what} is not executable`);
  return new SecureStoreError('UNAVAILABLE', `the program of ${what} cannot be started (${error.code ?? 'unknown'})`);
}

async function waitFor(
  child: ChildProcess,
  what: string,
  input: string,
  clock: Clock,
  limit: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const end = new Promise<{ code: number | null; signal: string | null } | SecureStoreError>((resolve) => {
    child.once('error', (error) => resolve(startError(what, error)));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // A program need not read its stdin.
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
  throw new SecureStoreError('UNAVAILABLE', `the program of ${what} ended ${how}`);
}

/**
 * Runs a program to its end. One that takes too long is killed together with its child processes.
 *
 * @returns rejects with `NOT_FOUND`, `ACCESS_DENIED` if it can't be started, `UNAVAILABLE` if it ends with another code than 0,
 *   `TIMEOUT`, and the reason of the signal
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no program to run
 */
export function programOf({
  clock = systemClock(),
  command,
  env = withoutOwn(process.env),
}: ProgramOptions): (call: ProgramCall) => Promise<void> {
  // The types say so, but programs in JavaScript pass anything.
  const [program, ...args] = Array.isArray(command) ? command : [];
  if (program === undefined || program === '') refuse('an exec hook must name a program');
  return ({ what, timeout, variables, input, signal }) =>
    limited(clock, timeout, `the program of ${what}`, signal, async (limit) => {
      // Loaded here, since few programs run hooks.
      const { spawn } = await import('node:child_process');
      const child = spawn(program, args, {
        env: { ...env, ...variables },
        stdio: ['pipe', 'ignore', 'ignore'],
        // In a group of its own, which can be ended as a whole.
        detached: process.platform !== 'win32',
        windowsHide: true,
      });
      await waitFor(child, what, input, clock, limit);
    });
}

const TIMEOUT = 10_000;

export interface ExecHookOptions extends ProgramOptions {
  /** Of the sink. Default `exec`. */
  readonly name?: string | undefined;
  /** How long it may run, in milliseconds. Default ten seconds. */
  readonly timeout?: number | undefined;
}

function variablesOf({ id, event, severity, message, advice, since, facts }: Alert): Record<string, string> {
  return {
    SECURESTORE_ALERT_ID: id,
    SECURESTORE_ALERT_EVENT: event,
    SECURESTORE_ALERT_SEVERITY: severity,
    SECURESTORE_ALERT_MESSAGE: message,
    SECURESTORE_ALERT_ADVICE: advice,
    SECURESTORE_ALERT_SINCE: moment(since),
    ...(facts.lastGood !== undefined && { SECURESTORE_ALERT_LAST_GOOD: moment(facts.lastGood) }),
    ...(facts.lag !== undefined && { SECURESTORE_ALERT_LAG_MS: String(facts.lag) }),
  };
}

/**
 * Runs a program for each alert, with the alert in environment variables and as JSON on its stdin. It has succeeded
 * if it ends with 0 in time; else it is run again, up to three times. One that takes too long is killed together with its
 * child processes.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is no program to run
 */
export function execHook(options: ExecHookOptions): AlertSink {
  const { name = 'exec', timeout = TIMEOUT } = options;
  const run = programOf(options);
  return {
    name,
    send: (alert, signal) => {
      const input = `${JSON.stringify(alert)}\n`;
      return run({ what: 'the exec hook', timeout, variables: variablesOf(alert), input, signal });
    },
  };
}
