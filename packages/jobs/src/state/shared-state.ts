import { SecureStoreError } from '@securestore/core-format';
import { answerWithin, isUndecided } from './answers.ts';
import type { Clock, Instant } from './clock.ts';
import { elapsedSince, instant } from './clock.ts';
import { isObject } from './json.ts';
import type { JobStorage, StoredState } from './types.ts';

/** Keeps what several processes, and later ones, have to know. A state has at most 64 KiB. */
export interface StateStorage extends Pick<JobStorage, 'write'> {
  /** `undefined` if there is none. */
  read(id: string, signal?: AbortSignal): Promise<StoredState | undefined>;
}

/** How long after its last write the holder of a claim is taken for dead, in milliseconds. */
export const LAPSES_AFTER = 60_000;
/** The same by a clock that may be minutes off, if the storage doesn't tell its time. */
const LAPSES_AFTER_BY_OWN_CLOCK = 3_600_000;
/** How long the storage may take for a call, in milliseconds: a call that hangs must not make a claim expire. */
const ANSWER_WITHIN = 10_000;
/** Each try either decides who has written the state or finds that another process has just changed it. */
const TRIES = 5;
const MAX_STATE = 64 * 1024;

/** How a kind of state is distinguished from anything else that JSON may hold. */
export interface StateKind<T> {
  /** For messages, such as `the state of schedule nightly`. */
  readonly what: string;
  readonly version: number;
  /** `undefined` if `value` isn't such a state. */
  readonly parse: (value: Readonly<Record<string, unknown>>) => T | undefined;
}

/** A state as it was read. */
export interface Found<T> {
  /** `undefined` if there is none, or a damaged one. */
  readonly value: T | undefined;
  /** `undefined` if there is none. */
  readonly stored: StoredState | undefined;
}

/** `undefined` if the bytes are no state of this kind: a damaged state is replaced. */
function decode<T>({ what, version, parse }: StateKind<T>, bytes: Uint8Array): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const found = value['version'];
  if (typeof found === 'number' && found > version) {
    throw new SecureStoreError('FORMAT_VERSION', `${what} was written by a newer release of securestore`, {
      advice: [{ id: 'use-newer-release' }],
    });
  }
  return found === version ? parse(value) : undefined;
}

/** One state that several processes change. */
export class SharedState<T extends object> {
  readonly #storage: StateStorage;
  readonly #clock: Clock;
  readonly #id: string;
  readonly #kind: StateKind<T>;

  constructor(storage: StateStorage, clock: Clock, id: string, kind: StateKind<T>) {
    this.#storage = storage;
    this.#clock = clock;
    this.#id = id;
    this.#kind = kind;
  }

  /** @throws SecureStoreError `FORMAT_VERSION`, `TIMEOUT`, whatever the storage throws */
  async read(signal?: AbortSignal): Promise<Found<T>> {
    const stored = await this.#inTime(this.#storage.read(this.#id, signal));
    return { stored, value: stored && decode(this.#kind, stored.state) };
  }

  /**
   * Replaces the state by what `change` makes of it, as one step.
   *
   * @param change gives `undefined` if there is nothing to write. Called again whenever another process was faster, and if
   *   it is unknown whether a write took place: it then finds its own work done
   * @throws SecureStoreError `UNAVAILABLE` if it can't be settled; `TOO_LARGE`; whatever the storage throws
   */
  async update(
    change: (found: Found<T>) => T | undefined | Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<void> {
    let failure: unknown;
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await this.read(signal);
      const next = await change(found);
      if (next === undefined) return;
      try {
        await this.#write(next, found.stored?.etag);
        return;
      } catch (error) {
        if (!isUndecided(error)) throw error;
        failure = error;
      }
    }
    const message = `cannot write ${this.#kind.what}: it changed, or the storage did not answer, ${TRIES} times`;
    throw new SecureStoreError('UNAVAILABLE', message, { cause: failure, advice: [{ id: 'try-again' }] });
  }

  async #write(value: T, etag: string | undefined): Promise<void> {
    const { what, version } = this.#kind;
    const body = Buffer.from(JSON.stringify({ version, ...value }));
    if (body.length > MAX_STATE) {
      throw new SecureStoreError('TOO_LARGE', `${what} must have at most ${MAX_STATE} bytes, got ${body.length}`);
    }
    const condition = etag === undefined ? ({ ifAbsent: true } as const) : { ifMatch: etag };
    await this.#inTime(this.#storage.write(this.#id, body, condition));
  }

  #inTime<A>(answer: Promise<A>): Promise<A> {
    return answerWithin(this.#clock, { within: ANSWER_WITHIN, what: this.#kind.what, ref: false }, answer);
  }
}

/** What a process writes into a state while it works on what the state is about. Each write of the holder raises `beat`. */
export interface Claim {
  /** Random, and different for each claim. */
  readonly run: string;
  readonly beat: number;
}

/**
 * Distinguishes a claim whose holder is dead from one that is renewed. The clock of the storage decides at once. If the
 * storage doesn't tell its time, or its clock was set back, a claim that doesn't change for a minute is dead. For processes
 * that don't live for a minute, a claim is dead if it is an hour old by their own clock.
 */
export class ClaimWatch {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly mark: string; readonly since: Instant }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isHeld(id: string, { run, beat }: Claim, { now, modified }: StoredState): boolean {
    const mark = `${run} ${beat}`;
    const seen = this.#seen.get(id);
    if (seen?.mark !== mark) this.#seen.set(id, { mark, since: instant(this.#clock) });
    const lapsed =
      now === undefined ? this.#clock.now() - modified > LAPSES_AFTER_BY_OWN_CLOCK : now - modified > LAPSES_AFTER;
    return !lapsed && (seen?.mark !== mark || elapsedSince(seen.since, this.#clock) <= LAPSES_AFTER);
  }
}
