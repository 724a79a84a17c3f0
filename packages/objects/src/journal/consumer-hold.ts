import type { ConsumerState } from '@securestore/core-format';
import { encodeConsumer, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { DamagedObject } from '../engine/sealed-objects.ts';
import type { HeldConsumer } from './consumer-state.ts';
import { lookAtConsumer, NOTHING_READ, revived, saveConsumer } from './consumer-state.ts';

const MAX_TRIES = 5;

function otherReads(label: string, cause?: unknown): SecureStoreError {
  const message = `another process reads the journal as consumer "${label}"`;
  return new SecureStoreError('CONFLICT', message, { retryable: true, cause });
}

/** The state of a consumer at the backend, in the hands of the one process that is this consumer. */
export class ConsumerHold {
  readonly #engine: Engine;
  readonly #name: string;
  #held: HeldConsumer;
  #now = 0;
  /** Whether a write of its state may have taken place without an answer. */
  #inDoubt = false;

  constructor(engine: Engine, name: string, held: HeldConsumer) {
    this.#engine = engine;
    this.#name = name;
    this.#held = held;
  }

  /** What it has confirmed. */
  get state(): ConsumerState {
    return this.#held.state;
  }

  /** When it was written last, in milliseconds since 1970 by the backend's clock. */
  get modified(): number {
    return this.#held.modified;
  }

  /** The backend's clock shows at least this, by what was looked at. */
  get now(): number {
    return this.#now;
  }

  /** Ends the consumer: the journal isn't kept for it any more. */
  async unregister(): Promise<void> {
    await this.#engine.backend.delete(this.#name);
  }

  /**
   * Writes its state. If that could not be its own any more, since it has expired, it starts over instead; if its
   * own state was only sealed again, under another key, it is written over that.
   *
   * @returns `false` if it has started over: then what was read since it last confirmed anything counts for nothing
   * @throws SecureStoreError `CONFLICT` if another process is this consumer too, `NOT_FOUND` if it is registered no more; what the
   *   backend throws
   */
  async save(state: ConsumerState): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        this.#held = await saveConsumer(this.#engine, this.#name, state, this.#held.etag);
        this.#inDoubt = false;
        return true;
      } catch (error) {
        const conflict = SecureStoreError.is(error, 'CONFLICT');
        this.#inDoubt = !conflict;
        if (!conflict) throw error;
        if (tries === MAX_TRIES) throw otherReads(this.state.label, error);
        if (!(await this.look(undefined))) return false;
      }
    }
  }

  /**
   * Looks whether it has expired, whether it is still its own, and what time it is.
   *
   * @returns as {@link save}
   * @throws SecureStoreError as {@link save}
   */
  async look(signal: AbortSignal | undefined): Promise<boolean> {
    const found = await lookAtConsumer(this.#engine, this.#name, signal);
    const { label } = this.state;
    if (found === undefined) throw new SecureStoreError('NOT_FOUND', `consumer "${label}" is not registered`);
    if ('error' in found) {
      await this.#replaceOwn(found);
      return true;
    }
    const isOwn = found.etag === this.#held.etag;
    if (this.#wasSetBack(found, isOwn ? this.#held.modified : found.modified)) {
      this.#now = found.now ?? found.modified;
      const anew = { ...found.state, expired: false, ...NOTHING_READ };
      this.#held = await saveConsumer(this.#engine, this.#name, anew, found.etag);
      this.#inDoubt = false;
      return false;
    }
    this.#now = Math.max(this.#now, found.now ?? found.modified);
    if (isOwn) return true;
    const same = encodeConsumer(found.state).equals(encodeConsumer(this.state));
    if (!same && !found.state.expired && !this.#inDoubt) throw otherReads(label);
    this.#held = await revived(this.#engine, this.#name, found);
    this.#inDoubt = false;
    return same;
  }

  /**
   * Whether the backend's clock was set back since the state was written: then it is marked with an earlier time than before, or than the
   * hints of which it knows. What was written by the clock of before is no longer in order with what comes.
   */
  #wasSetBack({ state, modified }: HeldConsumer, before: number): boolean {
    const { clockSkew, modifiedResolution } = this.#engine.backend.capabilities;
    const latest = state.pending.reduce((time, { written }) => Math.max(time, written), before);
    return modified < latest - 2 * clockSkew - modifiedResolution;
  }

  /** Its own state, that came so late that no rotation found it, is written again under the key of now. */
  async #replaceOwn({ error, isRetired, etag }: DamagedObject): Promise<void> {
    if (!isRetired || etag !== this.#held.etag) throw error;
    this.#held = await saveConsumer(this.#engine, this.#name, this.state, etag);
    this.#now = Math.max(this.#now, this.modified);
  }
}
