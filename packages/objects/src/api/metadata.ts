import { isUtf8 } from 'node:buffer';
import { asBuffer, MAX_METADATA_BYTES, MAX_TIME, SecureStoreError } from '@securestore/core-format';
import { invalid } from '../util/invalid.ts';

/** Milliseconds since 1970 of a `Date` option. */
export function parseTime(name: string, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  if (!(time >= 0 && time <= MAX_TIME)) invalid(`the option "${name}" must be a valid Date from 1970 on`, name);
  return time;
}

const EMPTY = new Uint8Array();

export const MAX_METADATA_DEPTH = 100;

function notJson(found: string): never {
  invalid(`metadata must be JSON, got ${found}`, 'metadata');
}

/** Refuses what JSON leaves out, replaces or does not know: metadata is stored as it was given, or not at all. */
function checkJson(value: unknown, depth: number): void {
  if (typeof value === 'function' || typeof value === 'symbol') notJson(`a ${typeof value}`);
  if (typeof value === 'bigint' && !('toJSON' in Object(value))) notJson('a bigint');
  if (typeof value === 'number' && !Number.isFinite(value)) notJson(`${value}`);
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Map || value instanceof Set) notJson('a Map or a Set');
  if (depth === MAX_METADATA_DEPTH) {
    invalid(`metadata must be JSON without cycles, nested at most ${MAX_METADATA_DEPTH} deep`, 'metadata');
  }
  // A Date, say, which has its own idea of its JSON.
  if ('toJSON' in value) return;
  for (const item of Object.values(value)) checkJson(item, depth + 1);
}

/** Metadata as it is sealed: the UTF-8 of its JSON. @throws `INVALID_ARGUMENT`, `TOO_LARGE` */
export function encodeMetadata(metadata: unknown): Uint8Array {
  if (metadata === undefined) return EMPTY;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    invalid('metadata must be an object', 'metadata');
  let json: string | undefined;
  try {
    checkJson(metadata, 0);
    json = JSON.stringify(metadata);
  } catch (error) {
    if (SecureStoreError.is(error)) throw error;
    // The message may name properties, which may be secret.
    invalid('metadata must be JSON, and turning it into JSON failed', 'metadata');
  }
  if (json === undefined || !json.startsWith('{')) invalid('metadata must be an object in JSON, too', 'metadata');
  if (json === '{}') return EMPTY;
  const bytes = Buffer.from(json, 'utf8');
  if (bytes.length > MAX_METADATA_BYTES) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `metadata takes ${bytes.length} bytes as JSON; the limit is ${MAX_METADATA_BYTES}`,
    );
  }
  return bytes;
}

export function decodeMetadata(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = isUtf8(bytes) ? JSON.parse(asBuffer(bytes).toString('utf8')) : undefined;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through: JSON.parse quotes what it can't parse, and that is a secret.
  }
  throw new SecureStoreError('INTEGRITY', 'the record is damaged: its metadata is not a JSON object in UTF-8');
}
