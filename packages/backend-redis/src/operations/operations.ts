import { type BatchOperation, type CallSite, type WriteResult, conflictError } from '@securestore/backend-api';
import { randomBytes } from 'node:crypto';
import type { Connection } from '../connection/connection.ts';
import { garbledError } from '../connection/errors.ts';
import type { Names } from '../connection/names.ts';
import { ABSENT, APPLY, isNumber } from '../connection/scripts.ts';

/** Where operations go. */
export interface Destination {
  readonly connection: Connection;
  readonly names: Names;
  readonly site: CallSite;
  readonly signal: AbortSignal | undefined;
}

/**
 * Never the same twice, also where the server is set back to an earlier state, in which a counter would count again.
 */
function newEtag(): string {
  return randomBytes(12).toString('base64url');
}

function conditionOf(operation: BatchOperation): string {
  if (operation.type === 'write' && operation.ifAbsent === true) return ABSENT;
  return operation.ifMatch ?? '';
}

function fieldsOf(operation: BatchOperation, etag: string): (string | Buffer)[] {
  const { type, key } = operation;
  // A copy: the caller may change its body as soon as the call has ended, by an abort for instance, while it is sent.
  const body = operation.type === 'write' ? Buffer.from(operation.body) : '';
  return [type, key, conditionOf(operation), etag, body];
}

/**
 * Does all operations or none; no key may occur twice.
 *
 * @throws SecureStoreError `CONFLICT` on a failed condition, in a batch with its `index`; what {@link Connection.run} throws
 */
export async function applyOperations(
  { connection, names, site, signal }: Destination,
  operations: readonly BatchOperation[],
): Promise<(WriteResult | undefined)[]> {
  const etags = operations.map(({ type }) => (type === 'write' ? newEtag() : ''));
  const keys = [names.index, names.meta, names.clock, ...operations.map(({ key }) => names.body(key))];
  const args = operations.flatMap((operation, index) => fieldsOf(operation, etags[index] ?? ''));
  const answer = await connection.run({ site, script: APPLY, keys, args, mutates: true, signal });
  const [outcome, value] = Array.isArray(answer) ? answer.map(String) : [];
  // A refusal that one byte turned into something else must not pass for an acknowledgement.
  if (!isNumber(value)) throw garbledError(site, true);
  const number = Number(value);
  if (outcome === 'conflict' && number < operations.length) throw conflict(site, operations, number);
  if (outcome !== 'done') throw garbledError(site, true);
  return etags.map((etag) => (etag === '' ? undefined : { etag, modified: number }));
}

function conflict(site: CallSite, operations: readonly BatchOperation[], index: number): Error {
  return conflictError({ ...site, key: operations[index]?.key }, site.operation === 'batch' ? index : undefined);
}
