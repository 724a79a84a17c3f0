import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { AuditLine, Sink } from './sink.ts';
import { within } from './within.ts';

/** So many lines are written at once at most. */
const GROUP = 1000;
/** How long after a failure a sink is tried again, in milliseconds; twice as long after each further one. */
const FIRST_RETRY = 250;
const LAST_RETRY = 30_000;

/** `hanging` if a write takes longer than it may; it is still waited for. */
export type SinkState = 'ok' | 'failing' | 'hanging';

/** What became of the lines that a sink was given. */
export interface SinkStats {
  readonly name: string;
  readonly state: SinkState;
  /** With `failing` and `hanging`. */
  readonly code?: ErrorCode;
  readonly written: number;
  /** Entries that this sink will never get: the log in it has a hole. */
  readonly lost: number;
  readonly queued: number;
}

/** A change for the worse or the better. */
export interface SinkAlert extends SinkStats {
  readonly event: 'failing' | 'hanging' | 'lost' | 'recovered' | 'notice';
  /** With `notice`, in words. */
  readonly what?: string;
}

export interface QueueOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  /** How long a write may take, in milliseconds. */
  readonly timeout: number;
  /** How many lines may wait. */
  readonly bound: number;
  readonly alert: (alert: SinkAlert) => void;
  /** Is called when there may be room for more lines, or no caller is to wait for it any more. */
  readonly moved: () => void;
  /** Is told, once a sink takes lines again, of those that it never gets. */
  readonly afterLoss: (name: string, lost: Loss) => void;
}

/** Entries that were dropped between two that a sink has. */
export interface Loss {
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** Is called once it is known whether lines are written, or can't be for now. */
export type Settle = (error?: SecureStoreError) => void;

interface Item {
  readonly lines: readonly AuditLine[];
  readonly settle: Settle | undefined;
}

/** An error that may be shown: of a foreign error nothing is kept, since it may hold anything. */
function failure(name: string, cause: unknown): SecureStoreError {
  const known = SecureStoreError.is(cause) ? cause : undefined;
  const code = known?.code ?? 'UNAVAILABLE';
  const why = known === undefined ? 'failed with an error that is not shown' : known.message;
  return new SecureStoreError(code, `audit sink ${name}: ${why}`, { retryable: known?.retryable ?? true });
}

/** Hands lines to one sink in their order, and keeps its trouble from all others. */
export class SinkQueue {
  readonly #options: QueueOptions;
  #items: Item[] = [];
  #queued = 0;
  /** What is being written, and who waits for it. */
  #group: readonly AuditLine[] = [];
  #waiting: Settle[] = [];
  #state: SinkState = 'ok';
  #code: ErrorCode | undefined;
  #written = 0;
  #reached = 0;
  #lost = 0;
  #loss: Loss | undefined;
  #active = false;
  #running: Promise<void> = Promise.resolve();
  #wake = new AbortController();
  /** Ends the gathering of lines. */
  #enough = new AbortController();
  #closed = false;
  #draining = false;
  /** Whether the group is counted as lost, although its outcome is not known. */
  #abandoned = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get stats(): SinkStats {
    const queued = this.#queued + (this.#abandoned ? 0 : this.#group.length);
    const stats = {
      name: this.#options.sink.name,
      state: this.#state,
      written: this.#written,
      lost: this.#lost,
      queued,
    };
    return this.#code === undefined ? stats : { ...stats, code: this.#code };
  }

  /** The last entry up to which the sink has all. */
  get reached(): number {
    return this.#reached;
  }

  /**
   * Whether over half of what may wait does, although the sink takes lines: what comes can wait itself then, and the other half is
   * for what can't.
   *
   * @param more lines that are not here yet
   */
  isFilling(more: number): boolean {
    return (
      this.#state === 'ok' && !this.#closed && (this.#queued + this.#group.length + more) * 2 > this.#options.bound
    );
  }

  push(lines: readonly AuditLine[], settle?: Settle): void {
    const { sink, bound } = this.#options;
    const room = Math.max(0, bound - this.#queued - this.#group.length);
    if (lines.length <= room) return this.#add(lines, settle);
    if (room > 0) this.#add(lines.slice(0, room), undefined);
    this.#drop(lines.slice(room));
    const message = `audit sink ${sink.name} is ${this.#state}, and ${bound} entries already wait for it`;
    return settle?.(new SecureStoreError('UNAVAILABLE', message));
  }

  #add(lines: readonly AuditLine[], settle: Settle | undefined): void {
    this.#queued += lines.length;
    const isHanging = this.#state === 'hanging';
    this.#items.push({ lines, settle: isHanging ? undefined : settle });
    if (isHanging) settle?.(this.#timedOut());
    // A caller waits for it, so it is not put off.
    else if (settle !== undefined) this.#wake.abort();
    if (settle !== undefined || this.#queued >= GROUP || this.isFilling(0)) this.#enough.abort();
    if (this.#active) return;
    this.#active = true;
    this.#running = this.#run();
  }

  notice(what: string): void {
    this.#tell('notice', what);
  }

  /** Writes what waits. What the sink doesn't take within the time of a write is lost. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#wake.abort();
    this.#enough.abort();
    const { clock, timeout } = this.#options;
    // As long as it gets on.
    for (let before = -1; before !== this.#written;) {
      before = this.#written;
      if (await within(this.#running, timeout, clock)) break;
    }
    this.#closed = true;
    this.#wake.abort();
    const left = [...this.#group, ...this.#items.flatMap(({ lines }) => lines)];
    this.#settleAll(this.#timedOut());
    this.#items = [];
    this.#queued = 0;
    this.#abandoned = this.#group.length > 0;
    if (left.length > 0) this.#drop(left);
  }

  async #run(): Promise<void> {
    for (let retry = FIRST_RETRY; !this.#closed && this.#group.length + this.#queued > 0;) {
      if (this.#group.length === 0) {
        await this.#gather();
        this.#take();
      }
      const error = await this.#write(this.#group);
      if (error === undefined) {
        this.#written += this.#group.length;
        if (this.#group[0]?.sequence === this.#reached + 1) {
          this.#reached = this.#group.findLast((line, at) => line.sequence === this.#reached + 1 + at)?.sequence ?? 0;
        }
        if (this.#abandoned) this.#lost -= this.#group.length;
        this.#group = [];
        this.#settleGroup();
        this.#recover();
        this.#options.moved();
        retry = FIRST_RETRY;
        continue;
      }
      this.#worsen('failing', error.code);
      this.#settleAll(error);
      // It will not recover while the log is being closed.
      if (this.#closed || (this.#draining && !error.retryable)) break;
      this.#wake = new AbortController();
      await this.#options.clock.sleep(retry, this.#wake.signal, { ref: false }).catch(() => undefined);
      retry = Math.min(retry * 2, LAST_RETRY);
    }
    this.#active = false;
  }

  /** Lets lines come together, for a sink that wants that. */
  async #gather(): Promise<void> {
    const { sink, clock } = this.#options;
    const isFull = this.#queued >= GROUP || this.isFilling(0);
    const isUrgent = isFull || this.#draining || this.#items.some(({ settle }) => settle !== undefined);
    if (sink.gather === undefined || isUrgent) return;
    this.#enough = new AbortController();
    await clock.sleep(sink.gather, this.#enough.signal).catch(() => undefined);
  }

  #take(): void {
    let [count, length] = [0, 0];
    for (const { lines } of this.#items) {
      if (count > 0 && length + lines.length > GROUP) break;
      count++;
      length += lines.length;
    }
    const items = this.#items.splice(0, count);
    this.#group = items.flatMap(({ lines }) => lines);
    this.#waiting = items.flatMap(({ settle }) => settle ?? []);
    this.#queued -= this.#group.length;
  }

  /** Waits for the end of the write, however long it takes, so that nothing is written twice. */
  async #write(group: readonly AuditLine[]): Promise<SecureStoreError | undefined> {
    const { sink, clock, timeout } = this.#options;
    const end = Promise.try(() => sink.write(group)).then(
      () => undefined,
      (error: unknown) => failure(sink.name, error),
    );
    if (await within(end, timeout, clock)) return end;
    this.#worsen('hanging', 'TIMEOUT');
    this.#settleAll(this.#timedOut());
    return end;
  }

  #timedOut(): SecureStoreError {
    const { sink, timeout } = this.#options;
    return new SecureStoreError('TIMEOUT', `audit sink ${sink.name}: a write took longer than ${timeout} ms`);
  }

  #settleGroup(error?: SecureStoreError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settle of waiting) settle(error);
  }

  /** Lets go everybody who waits; what they wait for stays queued. */
  #settleAll(error: SecureStoreError): void {
    const items = this.#items;
    this.#items = items.map(({ lines }) => ({ lines, settle: undefined }));
    this.#settleGroup(error);
    for (const { settle } of items) settle?.(error);
  }

  #drop(lines: readonly AuditLine[]): void {
    const before = this.#loss;
    this.#lost += lines.length;
    const last = lines.at(-1)?.sequence ?? 0;
    this.#loss = { count: (before?.count ?? 0) + lines.length, first: before?.first ?? lines[0]?.sequence ?? 0, last };
    if (before === undefined) this.#tell('lost');
  }

  #worsen(state: 'failing' | 'hanging', code: ErrorCode): void {
    const same = this.#state === state;
    this.#state = state;
    this.#code = code;
    if (!same) this.#tell(state);
    this.#options.moved();
  }

  #recover(): void {
    const loss = this.#loss;
    if (this.#state === 'ok' && loss === undefined) return;
    this.#state = 'ok';
    this.#code = undefined;
    this.#loss = undefined;
    this.#tell('recovered');
    if (loss !== undefined) this.#options.afterLoss(this.#options.sink.name, loss);
  }

  #tell(event: SinkAlert['event'], what?: string): void {
    this.#options.alert({ ...this.stats, event, ...(what === undefined ? {} : { what }) });
  }
}
