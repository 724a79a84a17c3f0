import type { Meter } from '@securestore/backend-api';
import { SecureStoreError, shellWord } from '@securestore/core-format';
import type { Clock, Job } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { ObjectStore } from '@securestore/objects';
import type { HealthArea } from '@securestore/objects/internal';
import { signalOf } from '@securestore/objects/internal';
import { extensionsOf } from '@securestore/objects/internal';
import { capacitySource } from './checks/capacity.ts';
import { migrationSource } from './checks/migration.ts';
import { scrubSource } from './checks/scrub.ts';
import { storeSource } from './checks/store-source.ts';
import { publishHealth } from './scrub/channels.ts';
import { Metrics } from './metrics/metrics.ts';
import { checkHealthOptions } from './report/options.ts';
import type { HealthThresholds } from './report/thresholds.ts';
import { scrubKind, startScrub } from './scrub/scrub.ts';
import { changeScrubState, withFindings } from './scrub/state.ts';
import type { RepairSource, ScrubFinding, ScrubOptions, ScrubReport } from './scrub/types.ts';
import { resolveThresholds } from './report/thresholds.ts';
import type { HealthCheck, HealthContext, HealthOptions, HealthReport, HealthSource } from './report/types.ts';
import { clauseOf, codeOf, finding, verdictOf, verdictOfError, worst } from './report/verdict.ts';
import { span } from './report/words.ts';

const TIMEOUT = 10_000;
/** The same where somebody looks again and again: a scrape by Prometheus is given up after ten seconds. */
const ROUTINE_TIMEOUT = 8000;
/** The share of the time limit that a source may use, so that what it has found by then is told. */
const OWN_SHARE = 0.8;
/** How often a source is asked at most. */
const TRIES = 3;

export interface HealthSettings {
  /** What counts the calls of the store: its layer must be around the backend that the store was opened with. */
  readonly meter?: Meter | undefined;
  /** What else belongs to the store and is looked at, such as its backups. */
  readonly sources?: readonly HealthSource[] | undefined;
  readonly thresholds?: HealthThresholds | undefined;
  /** What a store URL stands for that a scrub is to repair from. */
  readonly copies?: ((url: string) => RepairSource) | undefined;
  /** The URL of a backup of the store, for what is advised; by default a placeholder. */
  readonly backupUrl?: (() => Promise<string | undefined>) | undefined;
  /** A clock in milliseconds that never runs backwards; by default that of the process. */
  readonly monotonic?: (() => number) | undefined;
}

function failed(names: readonly string[], reason: string, advice: string): HealthCheck[] {
  return names.map((name) => finding(name, 'failing', [reason, advice]));
}

/** The checks of a source that has not answered in time. */
function unanswered(names: readonly string[], timeout: number): HealthCheck[] {
  const [, ofBackend] = verdictOf('TIMEOUT');
  return names.map((name) => {
    const advice =
      name === 'backend' ? `${ofBackend}; or allow more time` : 'see the check "backend", or allow more time';
    return finding(name, 'failing', [`there was no answer within ${span(timeout)}`, advice]);
  });
}

/** What a source says; it is asked again where it meets something that may pass, which the check "errors" tells of. */
async function answerOf(source: HealthSource, context: HealthContext): Promise<readonly HealthCheck[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await source.check(context);
    } catch (error) {
      if (tries === TRIES || context.signal.aborted || !SecureStoreError.is(error) || !error.retryable) throw error;
    }
  }
}

/** Advice with the URL of a backup that is known. */
function withBackupUrl(checks: readonly HealthCheck[], url: string | undefined): readonly HealthCheck[] {
  if (url === undefined) return checks;
  return checks.map((check) => ({ ...check, advice: check.advice.replaceAll('<backup>', () => shellWord(url)) }));
}

async function ask(
  clock: Clock,
  source: HealthSource,
  context: HealthContext,
  timeout: number,
): Promise<readonly HealthCheck[]> {
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  const late = clock.sleep(timeout, ended.signal, { ref: false }).then(() => unanswered(source.names, timeout));
  late.catch(() => undefined);
  try {
    const checks = answerOf(source, { ...context, signal });
    checks.catch(() => undefined);
    return await Promise.race([checks, late]);
  } catch (error) {
    if (context.signal.aborted) throw error;
    const code = codeOf(error);
    const [reason, advice] = code === 'LOCKED' ? verdictOfError(error) : verdictOf(code);
    const said = SecureStoreError.is(error) ? clauseOf(error) : reason;
    return failed(source.names, `the check failed (${code}): ${said}`, advice);
  } finally {
    ended.abort();
  }
}

/** Tells how an open store is. */
export class Health {
  /** What is measured of the store. */
  readonly metrics: Metrics;
  readonly #url: string;
  readonly #area: HealthArea;
  readonly #sources: readonly HealthSource[];
  readonly #thresholds: HealthThresholds;
  readonly #copies: HealthSettings['copies'];
  readonly #backupUrl: HealthSettings['backupUrl'];
  /** The last report, for those who only want to look at it. */
  #last: HealthReport | undefined;

  /** @throws SecureStoreError `INVALID_ARGUMENT` for thresholds that make no sense */
  constructor(store: ObjectStore, settings: HealthSettings = {}) {
    const { meter, sources = [], thresholds, copies, backupUrl, monotonic = () => performance.now() } = settings;
    const area = extensionsOf(store).health;
    this.#area = area;
    this.#url = store.url;
    const routine = (): Promise<HealthReport> => this.#look({ timeout: ROUTINE_TIMEOUT }, true);
    this.metrics = new Metrics(area, meter, { last: () => this.#last, look: routine });
    this.#thresholds = resolveThresholds(thresholds);
    this.#copies = copies;
    this.#backupUrl = backupUrl;
    this.#sources = [
      storeSource(area, { meter, monotonic }),
      capacitySource(area),
      scrubSource(area),
      migrationSource(area),
      ...sources,
    ];
    area.addKind(scrubKind({ area, url: store.url }));
  }

  /** The last report of this process. */
  get last(): HealthReport | undefined {
    return this.#last;
  }

  /**
   * Looks at everything that belongs to the store: writes, reads and removes a probe at the backend, and reads what is known of its
   * keys, backups, scrubs and audit log. What can't be looked at, or not in time, is a finding.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`, `ABORTED`; `UNAVAILABLE` where the store has been closed
   */
  async check(options: HealthOptions = {}): Promise<HealthReport> {
    return this.#look(options, false);
  }

  async #look(options: HealthOptions, isRoutine: boolean): Promise<HealthReport> {
    this.#area.checkOpen();
    checkHealthOptions(options);
    const { timeout = TIMEOUT, signal: given, keys = true } = options;
    const thresholds = resolveThresholds(this.#thresholds, options.thresholds);
    const signal = signalOf({ signal: given }) ?? new AbortController().signal;
    const { clock } = this.#area;
    const begun = instant(clock);
    const context = { signal, thresholds, budget: timeout * OWN_SHARE, isRoutine, keys };
    const answers = await this.#unlessAborted(
      Promise.all(this.#sources.map((source) => ask(clock, source, context, timeout))),
      signal,
    );
    const checks = withBackupUrl(answers.flat(), await this.#backupUrl?.());
    const status = worst(checks.map((check) => check.status));
    const report = { status, checks, time: new Date(begun.now), took: elapsedSince(begun, clock) };
    this.#last = report;
    publishHealth({ url: this.#url, report });
    return report;
  }

  /**
   * Reads everything in the store, as `verify` does, in the background: as fast as it is told to, on from where a scrub was
   * interrupted. So what was not looked at for the longest time is looked at first. What is wrong is named, and with `repair` put
   * right. Reads and writes go on meanwhile. What it found the store remembers, and its health tells.
   *
   * The job rejects with `LOCKED` where another process is at it; `ROLLBACK` where the head of the store is older than one seen
   * before; what keeps it from looking, such as `UNAVAILABLE`. What it finds is no error: it is in the report.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`; `ACCESS_DENIED` for a member; `UNAVAILABLE` where the store has been closed
   */
  scrub(options: ScrubOptions = {}): Job<ScrubReport> {
    return startScrub({ area: this.#area, url: this.#url }, options, this.#copies);
  }

  /** Has the store remember what a verification found, until a scrub finds it put right. A store that takes no writes can't. */
  async note(findings: readonly Omit<ScrubFinding, 'repaired'>[], signal?: AbortSignal): Promise<void> {
    if (findings.length === 0 || this.#area.isMember) return;
    const found = findings.map((one) => ({ ...one, repaired: false }));
    // Whoever verifies has it in the report in any case.
    await changeScrubState(this.#area, (state) => withFindings(state, found), signal).catch(() => undefined);
  }

  async #unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => {
      reject(
        new SecureStoreError('ABORTED', 'health: aborted', {
          detail: 'aborted',
          operation: 'health',
          cause: signal.reason,
        }),
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.catch(() => undefined);
    try {
      if (signal.aborted) onAbort();
      return await Promise.race([work, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
