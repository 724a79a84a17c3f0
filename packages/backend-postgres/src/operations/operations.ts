import { type BatchOperation, type CallSite, type WriteResult, conflictError } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { randomBytes } from 'node:crypto';
import type { Database } from '../connection/database.ts';
import { stateOf } from '../connection/errors.ts';
import { valuesOf } from './apply.ts';
import type { Statements } from './statements.ts';

/**
 * With these the server did nothing, since another process changed the same keys at the same time; the next
 * try sees what that was.
 */
const COLLISIONS: ReadonlySet<string | undefined> = new Set(['23505', '40001', '40P01']);
const MAX_COLLISIONS = 20;

/** Where operations go. */
export interface Destination {
  readonly database: Database;
  readonly statements: Statements;
  readonly site: CallSite;
  readonly signal: AbortSignal | undefined;
}

/** Never the same twice, even if the database is set back to an earlier state, in which a counter would repeat itself. */
function newEtag(): string {
  return randomBytes(12).toString('base64url');
}

/**
 * Does all operations or none; no key may occur twice.
 *
 * @throws SecureStoreError `CONFLICT` on a failed condition, in a batch with its `index`; what {@link Database.run} throws
 */
export async function applyOperations(
  destination: Destination,
  operations: readonly BatchOperation[],
): Promise<(WriteResult | undefined)[]> {
  // Sorted, so that two that overlap take their locks in the same order.
  const order = operations.map((operation, index) => ({ operation, index, etag: newEtag() }));
  order.sort((one, other) => (one.operation.key < other.operation.key ? -1 : 1));
  const statement = destination.statements.apply(order.map(({ operation }) => operation));
  const values = order.flatMap(({ operation, etag }) => valuesOf(operation, etag));
  const rows = await untilNobodyCollides(async () =>
    destination.database.run({ ...destination, statement, values, mutates: true }),
  );
  const failed = rows.filter(({ key }) => key === null).map(({ value }) => order[Number(value)]?.index ?? 0);
  if (failed.length > 0) throw conflict(destination.site, operations, Math.min(...failed));
  const times = new Map(rows.map(({ key, value }) => [key, Number(value)]));
  const etags = new Map(order.map(({ operation, etag }) => [operation.key, etag]));
  return operations.map(({ type, key }) => {
    if (type === 'delete') return undefined;
    const modified = times.get(key);
    const etag = etags.get(key);
    if (modified === undefined || etag === undefined) throw stateless(destination.site);
    return { etag, modified };
  });
}

async function untilNobodyCollides<T>(work: () => Promise<T>): Promise<T> {
  for (let collisions = 1; ; collisions++) {
    try {
      return await work();
    } catch (error) {
      if (collisions === MAX_COLLISIONS || !COLLISIONS.has(stateOfCause(error))) throw error;
    }
  }
}

function stateOfCause(error: unknown): string | undefined {
  return SecureStoreError.is(error) ? stateOf(error.cause) : undefined;
}

function conflict(site: CallSite, operations: readonly BatchOperation[], index: number): SecureStoreError {
  return conflictError({ ...site, key: operations[index]?.key }, site.operation === 'batch' ? index : undefined);
}

/** Nothing can be written without the row that keeps the time. */
function stateless(site: CallSite): SecureStoreError {
  return new SecureStoreError('INTEGRITY', 'postgres: the state table of the store is empty. Nothing was written.', {
    ...site,
    advice: [{ id: 'restore-store' }],
  });
}
