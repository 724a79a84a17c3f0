import type { AuditCertificate, AuditLink, AuditMode } from '@securestore/core-format';
import { encodeBase32, SecureStoreError } from '@securestore/core-format';
import { randomPool } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import type { Signer } from '../entry/certificate.ts';
import { Chain } from '../entry/chain.ts';
import { Held } from './backpressure.ts';
import { EntryLine, lineOfHeader } from '../entry/line.ts';
import type { SinkOptions } from '../sink/outputs.ts';
import { Outputs, tipsOf } from '../sink/outputs.ts';
import { END_ACTION, LOST_ACTION } from '../entry/own-actions.ts';
import type { AuditEvent, Redacted, RedactedEvent, RedactionOptions, Redactor } from '../entry/redact.ts';
import { redactor, withHashes } from '../entry/redact.ts';
import type { SinkAlert, SinkStats } from '../sink/sink-queue.ts';

/** With so many entries waiting a batch is made at once. */
const MAX_BATCH = 1000;
/** How long entries are gathered in the mode `batched`, in milliseconds. */
const GATHER = 20;

export interface AuditLogOptions extends RedactionOptions {
  /** Id of the store's instance, 16 bytes. */
  readonly instanceId: Uint8Array;
  /** The auditor's X25519 public key, 32 bytes: only who has its private key can verify the log. */
  readonly auditor: Uint8Array;
  /** Signs with the key that was certified. */
  readonly sign: Signer;
  readonly certificate: AuditCertificate;
  readonly sinks: readonly SinkOptions[];
  /**
   * `fail-closed`: what can't be recorded is to be refused, so each entry is waited for. `batched`, the default: entries are written
   * soon, a sink that fails is counted and reported, and no caller waits.
   */
  readonly mode?: AuditMode | undefined;
  /** How far earlier segments are known to go, beside what the sinks find themselves. */
  readonly previous?: readonly AuditLink[] | undefined;
  /** Is told when a sink gets worse or better. It is called within the work, so it should take note and return. */
  readonly onAlert?: ((alert: SinkAlert) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: ((length: number) => Uint8Array) | undefined;
}

interface Pending extends Redacted {
  readonly waiter?: PromiseWithResolvers<void>;
}

/** The log of one run of a process: one segment, written to any number of sinks. */
export class AuditLog {
  readonly #chain: Chain;
  readonly #redact: Redactor;
  readonly #names: Pick<RedactionOptions, 'nameKey' | 'hashNames'>;
  readonly #mode: AuditMode;
  readonly #clock: Clock;
  readonly #outputs: Outputs;
  #pending: Pending[] = [];
  readonly #held = new Held<Pending>(
    () => !this.#outputs.areFilling(this.#pending.length),
    (entry) => this.#add(entry),
  );
  #gathering = false;
  #closed = false;
  #closing: Promise<void> | undefined;

  private constructor(chain: Chain, options: AuditLogOptions, clock: Clock) {
    const { onAlert, mode = 'batched', sinks } = options;
    this.#chain = chain;
    this.#redact = redactor(options);
    this.#names = { nameKey: options.nameKey, hashNames: options.hashNames };
    this.#mode = mode;
    this.#clock = clock;
    const header = lineOfHeader(chain.header);
    const segment = encodeBase32(chain.header.header.segment);
    this.#outputs = new Outputs(sinks, {
      clock,
      start: { header, segment, durable: mode === 'fail-closed' },
      moved: () => this.#held.release(),
      trouble: (reason) => this.#trouble(reason),
      alert: (alert) => {
        try {
          onAlert?.(alert);
        } catch {
          // The listener must not keep the log from being written.
        }
      },
    });
  }

  /**
   * Begins a segment. Nothing is written before the first entry.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` for options that are none, what `sign` throws
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const { clock = systemClock(), random = randomPool(), mode = 'batched', sinks } = options;
    if (mode !== 'batched' && mode !== 'fail-closed') {
      throw new SecureStoreError('INVALID_ARGUMENT', 'the option "mode" must be "batched" or "fail-closed"', {
        option: 'mode',
      });
    }
    if (sinks.length === 0 || (mode === 'fail-closed' && sinks.every(({ mandatory }) => mandatory === false))) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        'the option "sinks" must have a sink, and with "fail-closed" a mandatory one',
        {
          option: 'sinks',
        },
      );
    }
    const previous = [...(await tipsOf(sinks, clock)), ...(options.previous ?? [])];
    const { instanceId, auditor, sign, certificate } = options;
    const started = clock.now();
    const chain = await Chain.start({ instanceId, auditor, sign, certificate, previous, random, started });
    return new AuditLog(chain, options, clock);
  }

  /** How far this segment goes. Not all of it may be written yet. */
  get end(): AuditLink {
    return this.#chain.end;
  }

  /**
   * How far every mandatory sink has this segment without a hole; `undefined` as long as nothing is written. Keep it
   * from time to time in a place that an attacker who cuts the log can't reach. In `batched` a loss of power may still
   * take what was written last.
   */
  get written(): AuditLink | undefined {
    return this.#outputs.written;
  }

  /** What the header of this segment says of others. */
  get previous(): readonly AuditLink[] {
    return this.#chain.header.header.previous;
  }

  /**
   * To be asked in `fail-closed` before an operation is begun: while a mandatory sink takes nothing, it is better not to be.
   *
   * @throws SecureStoreError `UNAVAILABLE` if a mandatory sink takes no entries now
   */
  checkReady(): void {
    this.#outputs.checkReady();
  }

  get stats(): SinkStats[] {
    return this.#outputs.stats;
  }

  /**
   * Records an attempt. In the mode `batched` it resolves at once. In `fail-closed` it takes its turn, as by {@link addInTurn}, and
   * resolves when the entry is durable in every mandatory sink; if it rejects, the operation is to be refused, and the entry may be in the log all the same.
   *
   * @throws SecureStoreError in `fail-closed` what keeps a mandatory sink from writing: `TIMEOUT`, `NO_SPACE`, `READ_ONLY`,
   *   `INTEGRITY`, `UNAVAILABLE`; in both modes `UNAVAILABLE` once the log is closed
   */
  async record(event: AuditEvent): Promise<void> {
    this.#checkOpen();
    if (this.#mode === 'batched') return this.add(event);
    const waiter = Promise.withResolvers<void>();
    // In its turn as well: what found no room would be refused after it was done, and be missing in the log.
    void this.#held.enter({ ...this.#entry(event), waiter });
    return waiter.promise;
  }

  /**
   * Records an attempt that no caller waits for.
   *
   * @throws SecureStoreError `UNAVAILABLE` once the log is closed
   */
  add(event: AuditEvent): void {
    this.#checkOpen();
    this.#add(this.#entry(event));
  }

  /** Says in the log that so many entries never came to it. */
  missed(count: number): void {
    this.#trouble(`${count} entries came before the log was open and found no room`);
  }

  /**
   * Records an attempt in its turn, in the mode `batched`: if a sink that works has much to write, what is recorded waits, so that
   * it is not lost for it. A sink that fails or hangs is not waited for.
   *
   * @returns `undefined` if it needs not wait; else a promise that resolves when it is recorded
   * @throws SecureStoreError `UNAVAILABLE` once the log is closed
   */
  addInTurn(event: AuditEvent): Promise<void> | undefined {
    this.#checkOpen();
    return this.#held.enter(this.#entry(event));
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new SecureStoreError('UNAVAILABLE', 'the audit log is closed', { retryable: false });
  }

  /**
   * Writes what waits, ends the segment, and forgets its key.
   *
   * @throws SecureStoreError `UNAVAILABLE` if a mandatory sink has not got all entries, or could not be closed in time
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #trouble(reason: string): void {
    if (!this.#closed) this.#own(LOST_ACTION, 'failed', reason);
  }

  #entry(given: AuditEvent): Redacted {
    const redacted = this.#redact(given, this.#clock.now());
    const { event } = redacted;
    // Nobody else says that the segment ends, or what is missing in it.
    const reserved = event.action === END_ACTION || event.action === LOST_ACTION;
    return reserved ? { ...redacted, event: { ...event, action: `[${event.action}]` } } : redacted;
  }

  /** An entry of the log about itself. */
  #own(action: string, outcome: RedactedEvent['outcome'], reason?: string): void {
    this.#add(this.#redact({ action, reason, outcome }, this.#clock.now()));
  }

  #add(pending: Pending): void {
    this.#pending.push(pending);
    if (this.#pending.length >= MAX_BATCH) this.#flush();
    else if (!this.#gathering) this.#gather();
  }

  #gather(): void {
    this.#gathering = true;
    const flush = (): void => {
      this.#gathering = false;
      this.#flush();
    };
    // What is recorded in one turn of the event loop shares a batch, and so a write.
    if (this.#mode === 'fail-closed') setImmediate(flush);
    else this.#clock.sleep(GATHER).then(flush, flush);
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const { segment } = this.#chain.header.header;
    const chained = this.#chain.append(withHashes(pending, this.#names));
    const lines = chained.map((entry) => new EntryLine(segment, entry));
    const waiters = pending.flatMap(({ waiter }) => waiter ?? []);
    this.#outputs.push(lines, this.end, waiters);
  }

  async #close(): Promise<void> {
    this.#closed = true;
    await this.#held.emptied();
    this.#own(END_ACTION, 'allowed');
    this.#flush();
    this.#chain.wipe();
    const names = await this.#outputs.close();
    if (names.length === 0) return;
    const message = `the audit log was closed before these sinks had all entries: ${names.join(', ')}`;
    throw new SecureStoreError('UNAVAILABLE', message, { retryable: false });
  }
}
