import { type Advice, SecureStoreError } from '@securestore/core-format';
import type { Clock, Instant, SharedState } from '@securestore/jobs';
import { elapsedSince, instant, LAPSES_AFTER } from '@securestore/jobs';
import type { NamedObjects } from '../snapshot/snapshot-types.ts';
import type { RunClaim, RunOutcome, ScheduleState } from './state.ts';

/** How often a claim is renewed, and how soon again after a failure, in milliseconds. */
const RENEW_EVERY = 15_000;
const RETRY_AFTER = 2000;
/** How long a run may continue without renewing its claim, in milliseconds: it has stopped before another process takes it over. */
const STOP_AFTER = LAPSES_AFTER - RENEW_EVERY;
/** How long the outcome of a run is tried to be written, in milliseconds. */
const RECORD_WITHIN = 600_000;

/**
 * How a run ended in this process. `released`: it was stopped, and is due again. `lost`: its claim could not be renewed, so it
 * was stopped, and the first process that can runs it again.
 */
export type RunEnd = 'success' | 'failure' | 'released' | 'lost';

/** Findings of a run that succeeded. They are not kept. */
export interface RunFindings {
  /** Sentences about the store, as a backup reports them. */
  readonly findings?: readonly string[];
  /** Those of `findings` that are about the destination. */
  readonly destinationFindings?: readonly string[];
  /** Objects that the store has lost, and the backup has. */
  readonly missing?: NamedObjects;
}

export interface FinishedRun extends RunFindings {
  readonly end: RunEnd;
  /** The error code if it wasn't a success. */
  readonly error?: string;
  /** What went wrong, of a failure. It is not kept. */
  readonly message?: string;
  /** Advice about a failure. It is not kept. */
  readonly advice?: readonly Advice[];
  /** Milliseconds. */
  readonly duration: number;
}

export interface RunSetting {
  readonly state: SharedState<ScheduleState>;
  readonly id: string;
  readonly claim: RunClaim;
  readonly clock: Clock;
  /** When the write of the claim began. */
  readonly claimed: Instant;
  /** Aborted if the run is left to another process. */
  readonly signal: AbortSignal;
}

export function codeOf(error: unknown): string {
  return SecureStoreError.is(error) ? error.code : 'INTERNAL';
}

/** Renews a claim as long as the work lasts, and stops the work if that fails for too long. */
class ClaimKeeper {
  readonly stop = new AbortController();
  readonly #setting: RunSetting;
  readonly #ended = new AbortController();
  readonly #loops: Promise<unknown>;
  #renewed: Instant;

  constructor(setting: RunSetting) {
    this.#setting = setting;
    this.#renewed = setting.claimed;
    this.#loops = Promise.all([this.#renew(), this.#guard()]);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#loops;
  }

  #lose(message: string): void {
    const stopped = `the run of schedule ${this.#setting.id} was stopped: ${message}`;
    this.stop.abort(new SecureStoreError('LOCKED', stopped, { reason: 'job-lost' }));
  }

  /** @returns whether the work has ended meanwhile */
  async #sleep(milliseconds: number): Promise<boolean> {
    await this.#setting.clock.sleep(milliseconds, this.#ended.signal).catch(() => undefined);
    return this.#ended.signal.aborted;
  }

  async #renew(): Promise<void> {
    const { state, claim, clock } = this.#setting;
    let rest = RENEW_EVERY;
    while (!(await this.#sleep(rest)) && !this.stop.signal.aborted) {
      const begun = instant(clock);
      let mine = true;
      try {
        await state.update(({ value }) => {
          mine = value?.claim?.run === claim.run;
          if (!mine || value?.claim === undefined) return undefined;
          return { ...value, claim: { ...value.claim, beat: value.claim.beat + 1 } };
        });
        this.#renewed = begun;
        rest = RENEW_EVERY;
      } catch {
        rest = RETRY_AFTER;
      }
      if (!mine) this.#lose('another process has taken it over');
    }
  }

  /** Apart from renewing, which may hang. */
  async #guard(): Promise<void> {
    const { clock } = this.#setting;
    for (;;) {
      const left = STOP_AFTER - elapsedSince(this.#renewed, clock);
      if (left <= 0) return this.#lose(`its claim could not be renewed for ${STOP_AFTER / 1000} s`);
      if (await this.#sleep(left)) return undefined;
    }
  }
}

/**
 * Writes how the run ended, as long as no other process has its claim.
 *
 * @param within how long it is tried, in milliseconds
 * @returns whether it is written
 */
async function recordEnd(
  { state, claim, clock, signal }: RunSetting,
  within: number,
  change: (state: ScheduleState) => ScheduleState,
): Promise<boolean> {
  const begun = instant(clock);
  for (;;) {
    let written = false;
    try {
      await state.update(({ value }) => {
        // A second read finds it if the answer to the write was lost.
        written = value?.claim?.run === claim.run || value?.last?.run === claim.run;
        return value?.claim?.run === claim.run ? change(value) : undefined;
      });
      return written;
    } catch (error) {
      if (signal.aborted || elapsedSince(begun, clock) >= within) throw error;
    }
    await clock.sleep(RETRY_AFTER);
  }
}

/** The state after a run that came to its end. */
function concluded(state: ScheduleState, outcome: RunOutcome): ScheduleState {
  const { claim: _, ...rest } = state;
  const succeeded = outcome.error === undefined;
  return {
    ...rest,
    done: outcome.occurrence,
    failures: succeeded ? 0 : state.failures + 1,
    last: outcome,
    ...(succeeded && { lastSuccess: outcome.started }),
  };
}

/** The state after a run that is due again. */
function givenBack(state: ScheduleState, failures: number): ScheduleState {
  const { claim: _, ...rest } = state;
  return { ...rest, failures: state.failures + failures };
}

/**
 * Does the work of a claimed occurrence, keeps the claim meanwhile, and records the outcome.
 *
 * @throws SecureStoreError if the outcome can't be recorded for ten minutes; the claim then lapses by itself
 */
export async function runClaimed(
  setting: RunSetting,
  work: (signal: AbortSignal) => Promise<RunFindings | undefined>,
): Promise<FinishedRun> {
  const { claim, clock, signal } = setting;
  const keeper = new ClaimKeeper(setting);
  const begun = instant(clock);
  let failure: unknown;
  let failed = false;
  let found: RunFindings | undefined;
  try {
    found = await work(AbortSignal.any([signal, keeper.stop.signal]));
  } catch (error) {
    failed = true;
    failure = error;
  }
  await keeper.end();
  const duration = Math.max(0, Math.round(elapsedSince(begun, clock)));
  if (failed && keeper.stop.signal.aborted) {
    // If no process has taken it over yet, none needs to wait until the claim lapses.
    await recordEnd(setting, 0, (state) => givenBack(state, 1)).catch(() => undefined);
    return { end: 'lost', error: codeOf(keeper.stop.signal.reason), duration };
  }
  if (failed && signal.aborted) {
    await recordEnd(setting, 0, (state) => givenBack(state, 0)).catch(() => undefined);
    return { end: 'released', error: 'ABORTED', duration };
  }
  const error = failed ? codeOf(failure) : undefined;
  const { beat: _, ...run } = claim;
  const outcome: RunOutcome = { ...run, duration, ...(error !== undefined && { error }) };
  const recorded = await recordEnd(setting, RECORD_WITHIN, (state) => concluded(state, outcome));
  if (!recorded) return { end: 'lost', error: 'LOCKED', duration };
  if (error === undefined) return { end: 'success', duration, ...found };
  const { message, advice } = SecureStoreError.is(failure) ? failure : {};
  return { end: 'failure', error, ...(message && { message }), ...(advice && { advice }), duration };
}
