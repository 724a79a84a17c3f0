import { type CallSite, type LocalClock, type WriteResult, abortedError } from '@securestore/backend-api';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isBusy, isCleanCommitFailure, stillBusy, toStoreError } from '../connection/errors.ts';
import { runUnits, touchesKeyMaterial, type Unit, type UnitResult } from '../connection/transaction.ts';
import { assertInPlace, type Connection } from '../connection/connection.ts';

/** Bounds of one transaction, so that the event loop is never held for long. */
const GROUP_UNITS = 256;
const GROUP_BYTES = 4 * 1024 * 1024;
/** How long other processes may keep the write lock, or files open, before a write gives up. */
const BUSY_LIMIT_MS = 30_000;
const BUSY_POLL_MS = 1;

interface Waiting {
  readonly unit: Unit;
  readonly bytes: number;
  readonly site: CallSite;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (results: (WriteResult | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What the writer needs of the backend that owns it. */
export interface WriterContext {
  readonly path: () => string;
  readonly clock: LocalClock;
  /** The connection to write on, made if there is none yet; its file was found in place. */
  readonly connect: () => Connection;
}

/**
 * Group commit: units that wait at the same time share one transaction and so one flush of the disk, each with its
 * own conditions and its own outcome.
 */
export class Writer {
  readonly #context: WriterContext;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #truncate = false;
  /** What the last group that has to wait met. */
  #obstacle: unknown;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  /** Resolves once `unit` is durable. */
  submit(unit: Unit, site: CallSite, signal: AbortSignal | undefined): Promise<(WriteResult | undefined)[]> {
    const bytes = unit.operations.reduce(
      (sum, operation) => sum + (operation.type === 'write' ? operation.body.length : 0),
      0,
    );
    return new Promise((resolve, reject) => {
      this.#queue.push({ unit, bytes, site, signal, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves once nothing waits any more. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    let busySince: number | undefined;
    // After a turn of the event loop everything that was started together waits together.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) {
      const group = this.#takeGroup();
      if (group.length === 0 || this.#tryGroup(group)) {
        busySince = undefined;
        continue;
      }
      busySince ??= performance.now();
      if (performance.now() - busySince > BUSY_LIMIT_MS) {
        for (const { reject, site } of group)
          reject(stillBusy(this.#obstacle, this.#context.path(), BUSY_LIMIT_MS / 1000, site));
        busySince = undefined;
        continue;
      }
      this.#queue.unshift(...group);
      await sleep(BUSY_POLL_MS);
    }
    this.#draining = undefined;
  }

  /** The next units for one transaction; those that were aborted meanwhile are settled on the way. */
  #takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      if (group.length === GROUP_UNITS || (group.length > 0 && bytes + waiting.bytes > GROUP_BYTES)) break;
      taken++;
      if (waiting.signal?.aborted === true) {
        waiting.reject(abortedError(waiting.site, waiting.signal.reason));
      } else {
        group.push(waiting);
        bytes += waiting.bytes;
      }
    }
    this.#queue.splice(0, taken);
    return group;
  }

  /** Whether all of `group` are settled; `false` if they have to wait. */
  #tryGroup(group: readonly Waiting[]): boolean {
    let committing = false;
    try {
      const connection = this.#context.connect();
      const results = this.#transact(connection, group, () => (committing = true));
      for (const [index, waiting] of group.entries()) settle(waiting, results[index]);
      this.#truncateLog(connection);
    } catch (error) {
      if (isBusy(error)) {
        this.#obstacle = error;
        return false;
      }
      const unknown = committing && !isCleanCommitFailure(error);
      if (!unknown && group.length > 1) return this.#tryOneByOne(group);
      const outcome = unknown ? 'unknown' : undefined;
      for (const { reject, site } of group) reject(toStoreError(error, this.#context.path(), { ...site, outcome }));
    }
    return true;
  }

  /** One that can't be written must not take the others with it. */
  #tryOneByOne(group: readonly Waiting[]): boolean {
    for (const [index, waiting] of group.entries()) {
      if (this.#tryGroup([waiting])) continue;
      this.#queue.unshift(...group.slice(index));
      break;
    }
    return true;
  }

  #transact(connection: Connection, group: readonly Waiting[], onCommit: () => void): UnitResult[] {
    const { db, statements } = connection;
    const { clock } = this.#context;
    statements.begin.run();
    try {
      const results = runUnits(
        statements,
        group.map(({ unit }) => unit),
        clock,
      );
      onCommit();
      statements.commit.run();
      assertInPlace(connection, this.#context.path(), { outcome: 'unknown' });
      this.#truncate ||= group.some(({ unit }) => touchesKeyMaterial(unit));
      return results;
    } finally {
      // SQLite has rolled back by itself after some errors.
      if (db.isTransaction) statements.rollback.run();
    }
  }

  /** Moves replaced key material out of the log; where a reader stands in the way, after the next commit. */
  #truncateLog({ statements }: Connection): void {
    if (!this.#truncate) return;
    try {
      const result = statements.truncateLog.get() as { busy: number };
      this.#truncate = result.busy !== 0;
    } catch {
      // What was asked for is committed and acknowledged; the flag stays, so the next commit tries again.
    }
  }
}

function settle({ resolve, reject }: Waiting, result: UnitResult | undefined): void {
  if (Array.isArray(result)) resolve(result);
  else reject(result);
}
