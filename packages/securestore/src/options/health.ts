import type { AuditTrail, SinkStats } from '@securestore/audit';
import type { Meter } from '@securestore/backend-api';
import type { Backups, Condition, Schedules, WatchFacts, WatchThresholds } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockSecretMethod } from '@securestore/crypto';
import type { HealthCheck, HealthSource, HealthThresholds } from '@securestore/health';
import { Health } from '@securestore/health/lazy';
import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';

/** How the health of a store is judged. */
export interface HealthConfig {
  readonly thresholds?: HealthThresholds | undefined;
  /** Thresholds of backups, as in {@link WatchThresholds}; alerts have their own. */
  readonly backups?: WatchThresholds | undefined;
  /**
   * The auditor's identity, to verify the audit log with. Without it the check is weaker: it detects changes by an attacker who controls the
   * backend, and not those by holders of the store's encryption keys.
   */
  readonly auditor?: UnlockSecretMethod | readonly UnlockSecretMethod[] | undefined;
}

const check = (name: string, reason: string, more: Partial<HealthCheck> = {}): HealthCheck => ({
  name,
  status: 'ok',
  reason,
  advice: '',
  ...more,
});

function inWords(milliseconds: number): string {
  const minutes = Math.floor(Math.max(0, milliseconds) / 60_000);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 120) return `${minutes} min`;
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

function figuresOf({ now, lastGood, lag, drilled, unverifiedSince }: WatchFacts): Record<string, number> {
  return {
    ...(lastGood !== undefined && { age: Math.max(0, now - lastGood) }),
    ...(lag !== undefined && { lag }),
    ...(drilled !== undefined && { drillAge: Math.max(0, now - drilled) }),
    ...(unverifiedSince !== undefined && { unverified: Math.max(0, now - unverifiedSince) }),
  };
}

function judgeDestination(destination: string, conditions: readonly Condition[], facts: WatchFacts): HealthCheck {
  const subject = destination;
  const figures = figuresOf(facts);
  const worst = conditions.find(({ severity }) => severity === 'critical') ?? conditions[0];
  if (worst === undefined) {
    const { now, lastGood, drilled } = facts;
    // No backup is fine only if the threshold is turned off.
    if (lastGood === undefined) return check('backup', 'no backup exists yet', { subject, figures });
    const drill =
      drilled === undefined ? 'no drill has succeeded yet' : `the last drill was ${inWords(now - drilled)} ago`;
    return check('backup', `the last good backup is ${inWords(now - lastGood)} old; ${drill}`, { subject, figures });
  }
  const { message, advice } = worst;
  const others = conditions.length === 1 ? '' : `, and ${conditions.length - 1} more`;
  const status = worst.severity === 'critical' ? 'failing' : 'degraded';
  return { name: 'backup', subject, status, reason: `${message}${others}`, advice, figures };
}

function backupSource(schedules: Schedules, thresholds: WatchThresholds | undefined): HealthSource {
  return {
    names: ['backup'],
    async check({ signal, budget }) {
      const within = Math.ceil(budget);
      const all = await schedules.conditions({ signal, within, ...(thresholds && { thresholds }) });
      if (all.length === 0) return [check('backup', 'no backup is configured', { status: 'not-set-up' })];
      return all.map(({ destination, conditions, facts }) => judgeDestination(destination, conditions, facts));
    },
  };
}

/** The first sink that fails; the store's own sink is the log itself. */
function judgeSinks(sinks: readonly SinkStats[]): Pick<HealthCheck, 'status' | 'reason' | 'advice'> | undefined {
  const bad = sinks.find(({ state, lost }) => state !== 'ok' || lost > 0);
  if (bad === undefined) return undefined;
  const { name, state, code, lost } = bad;
  const reason =
    state === 'ok'
      ? `the sink ${name} of the audit log has lost ${lost} entries`
      : `the sink ${name} of the audit log accepts no entries (${code ?? state})`;
  const advice = 'see why it cannot be written; the log says which entries were lost where it continues';
  return { status: name === 'store' ? 'failing' : 'degraded', reason, advice };
}

const BROKEN_ADVICE =
  'verify the log with the identity of its auditor ("securestore audit verify"), keep a copy of it, and find out who changed it';

/** Whether the log can't be verified for a reason that is no finding. */
function isNotForUs(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error, 'UNSUPPORTED') || SecureStoreError.is(error, 'ACCESS_DENIED');
}

async function examined(
  trail: AuditTrail,
  auditor: HealthConfig['auditor'],
  signal: AbortSignal,
): Promise<{ readonly findings: readonly string[]; readonly what: string }> {
  if (auditor !== undefined) {
    const { findings, segments } = await trail.verify({ auditor, signal });
    return {
      findings: findings.map(({ message }) => message),
      what: `all ${segments.length} segments are as they were written`,
    };
  }
  const { findings, parts, complete } = await trail.examine({ signal });
  const which = complete ? 'all' : 'the newest';
  return { findings, what: `${which} ${parts} parts are whole, and reach as far as the manifest of the store says` };
}

function auditSource(trail: AuditTrail, auditor: HealthConfig['auditor']): HealthSource {
  return {
    names: ['audit'],
    async check({ signal }) {
      const { on, sinks } = trail.status;
      if (!on) return [check('audit', 'the store is not audited', { status: 'not-set-up' })];
      try {
        const { findings, what } = await examined(trail, auditor, signal);
        const figures = { findings: findings.length, lost: sinks.reduce((sum, { lost }) => sum + lost, 0) };
        const [first] = findings;
        if (first !== undefined) {
          const more = findings.length === 1 ? '' : `, and ${findings.length - 1} more`;
          const reason = `the audit log was changed: ${first}${more}`;
          return [{ name: 'audit', status: 'failing', reason, advice: BROKEN_ADVICE, figures }];
        }
        const sink = judgeSinks(sinks);
        return [sink === undefined ? check('audit', what, { figures }) : { name: 'audit', ...sink, figures }];
      } catch (error) {
        if (!isNotForUs(error)) throw error;
        return [check('audit', `the audit log cannot be verified from here: ${error.message}`)];
      }
    },
  };
}

/**
 * A source without findings if the store is only locked out: then it can't decrypt what was written since, which is no damage. The head
 * shows that.
 */
function following(store: ObjectStore, source: HealthSource): HealthSource {
  return {
    ...source,
    async check(context) {
      const checks = await source.check(context);
      if (checks.every(({ status }) => status === 'ok' || status === 'not-set-up')) return checks;
      await extensionsOf(store)
        .health.readHead(context.signal)
        .catch((error: unknown) => {
          if (SecureStoreError.is(error, 'LOCKED')) throw error;
        });
      return checks;
    },
  };
}

/** How old the result of a source may be for routine checks, in milliseconds. */
const ROUTINE = 5 * 60 * 1000;

/** A source that reads much, and is asked every few minutes by routine checks. */
function thrifty(clock: Clock, source: HealthSource): HealthSource {
  let last: { readonly at: Instant; readonly checks: readonly HealthCheck[] } | undefined;
  return {
    ...source,
    async check(context) {
      if (context.isRoutine && last !== undefined && elapsedSince(last.at, clock) < ROUTINE) return last.checks;
      const at = instant(clock);
      const checks = await source.check(context);
      last = { at, checks };
      return checks;
    },
  };
}

/** The parts of a store, except its objects. */
export interface HealthParts {
  readonly backups: Backups;
  readonly schedules: Schedules;
  readonly trail: AuditTrail;
  readonly meter: Meter;
}

/** The health of a store, with its backups and its audit log. @throws SecureStoreError `INVALID_ARGUMENT` for invalid thresholds */
export function healthOf(
  store: ObjectStore,
  { backups, schedules, trail, meter }: HealthParts,
  { thresholds, backups: ofBackups, auditor }: HealthConfig = {},
): Health {
  return new Health(store, {
    meter,
    thresholds,
    sources: [backupSource(schedules, ofBackups), auditSource(trail, auditor)].map((source) =>
      thrifty(extensionsOf(store).health.clock, following(store, source)),
    ),
    // The store may be closed meanwhile.
    backupUrl: () =>
      backups.destinations().then(
        ([first]) => first?.url,
        () => undefined,
      ),
    copies: (url) => (body, signal) => backups.repairing(url, body, { signal }),
  });
}
