import type { Alert, AlertSink } from './alerts.ts';
import { moment } from './conditions.ts';
import type { ProgramOptions } from './program.ts';
import { programOf } from './program.ts';

const TIMEOUT = 10_000;

export interface ExecHookOptions extends ProgramOptions {
  /** Of the sink. Default `exec`. */
  readonly name?: string | undefined;
  /** How long it may run, in milliseconds. Default ten seconds. */
  readonly timeout?: number | undefined;
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

/**
 * Runs a program for each alert, with the alert in environment variables and as JSON on its stdin. It has succeeded
 * where it ends with 0 in time; else it is run again, up to three times. One that takes too long is ended together with all
 * that it has started.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where there is no program to run
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
