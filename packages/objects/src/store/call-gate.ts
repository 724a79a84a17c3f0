import type { StoreKey } from '@securestore/core-format';
import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import { settledSoon } from '../util/abort.ts';
import { callSignal, checkOptions, inCall, inContext } from '../api/call-boundary.ts';
import type { Engine, MutationGate } from '../engine/engine.ts';
import { listNames } from '../object/list.ts';
import { checkGranted } from '../engine/check-granted.ts';
import type { Operation } from '../api/operations.ts';
import { OPERATIONS } from '../api/operations.ts';
import { checkPrefix } from '../api/prefix.ts';
import { checkOwner } from '../head/unlock/owner-keys.ts';
import type { Target } from '../record/open-record.ts';
import type { CallOptions, ListingOptions } from '../api/types.ts';

/** Administration that changes nothing. */
const READINGS: ReadonlySet<string> = new Set([
  'slots.list',
  'settings.get',
  'encryptionKeys.list',
  'encryptionKeys.usage',
  'members.list',
  'jobs.list',
  'verify',
]);

/** What a call about one object does. */
type Body<T> = (target: Target, signal: AbortSignal | undefined) => Promise<T>;

/** A mutation that is not acknowledged before it is copied elsewhere, too. */
async function gated<T>(gate: MutationGate, body: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  gate.before();
  const result = await body();
  await gate.after(signal);
  return result;
}

/** The calls under way on an open store: none begins once it is closed, and closing waits for them. */
export class CallGate {
  readonly #engine: Engine;
  #running = 0;
  #closed = false;
  /** Called when the last call has ended. */
  #idle: (() => void) | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws SecureStoreError `UNAVAILABLE` if the store has been closed */
  checkOpen(): void {
    if (!this.#closed) return;
    throw new SecureStoreError('UNAVAILABLE', 'the store has been closed', {
      retryable: false,
      advice: [{ id: 'reopen-store' }],
    });
  }

  /** From now on no call begins. */
  refuse(): void {
    this.#closed = true;
  }

  /** Resolves when no call is under way. */
  async ended(): Promise<void> {
    if (this.#running === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    await promise;
  }

  #end(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  }

  /** A call of many steps. */
  async ofManySteps<T>(body: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await body();
    } finally {
      this.#end();
    }
  }

  /** A call about one object. @param inner whether it is part of a call that has asked already whether the store is open */
  async aboutObject<T>(
    operation: Operation,
    key: unknown,
    options: CallOptions | undefined,
    body: Body<T>,
    inner = false,
  ): Promise<T> {
    const { options: known, mutates } = OPERATIONS[operation];
    let signal: AbortSignal | undefined;
    this.#running += 1;
    try {
      if (!inner) this.checkOpen();
      const name = parseStoreKey(key);
      checkOptions(options, known);
      signal = callSignal(options);
      const refused = checkGranted(this.#engine, name, signal);
      if (refused !== undefined) await refused;
      const { token, nameId } = this.#engine.names.locate(name);
      const { gate } = this.#engine.copies;
      const target = { key: name, token, nameId };
      const running =
        gate === undefined || !mutates ? body(target, signal) : gated(gate, () => body(target, signal), signal);
      if (signal === undefined) return await running;
      return await settledSoon(running, signal, this.#engine.clock, mutates ? 'unknown' : undefined);
    } catch (error) {
      throw inContext(error, operation, key, signal);
    } finally {
      this.#end();
    }
  }

  /** A call of the administration. @throws SecureStoreError `ACCESS_DENIED` if the store was opened by a member */
  administrative<T>(
    operation: string,
    options: CallOptions | undefined,
    known: ReadonlySet<string>,
    body: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    let signal: AbortSignal | undefined;
    const getSignal = (): AbortSignal | undefined => signal;
    const run = (): Promise<T> => {
      this.checkOpen();
      checkOwner(this.#engine.monitor.state);
      checkOptions(options, known);
      signal = callSignal(options);
      const outcome = READINGS.has(operation) ? undefined : 'unknown';
      return settledSoon(body(signal), signal, this.#engine.clock, outcome);
    };
    return this.ofManySteps(() => inCall(operation, undefined, getSignal, async () => run()));
  }

  /**
   * The names that start with `prefix`, each step of them a call of its own.
   *
   * @param waitedFor whether closing waits for all of it, so that only its first step asks whether the store is open
   */
  async *names(
    operation: Operation,
    prefix: string,
    options: ListingOptions | undefined,
    waitedFor = false,
  ): AsyncGenerator<StoreKey> {
    let signal: AbortSignal | undefined;
    const getSignal = (): AbortSignal | undefined => signal;
    const listing = await inCall(operation, undefined, getSignal, async () => {
      this.checkOpen();
      checkOptions(options, OPERATIONS[operation].options);
      const after = options?.after === undefined ? undefined : parseStoreKey(options.after);
      signal = callSignal(options);
      return listNames(this.#engine, checkPrefix(prefix), { after, signal });
    });
    while (true) {
      const step = await inCall(operation, undefined, getSignal, async () => {
        if (!waitedFor) this.checkOpen();
        return settledSoon(listing.next(), signal, this.#engine.clock);
      });
      if (step.done === true) return;
      for (const name of step.value) {
        // The next step then says that the store has been closed.
        if (this.#closed && !waitedFor) break;
        yield name;
      }
    }
  }
}
