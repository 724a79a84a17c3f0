import { SecureStoreError } from '@securestore/core-format';
import type { Metadata } from '@securestore/objects';

/** The suffix of the name of a sidecar, after the name of its file. */
export const SIDECAR_SUFFIX = '.securestore.json';

/** The largest sidecar in bytes: 64 KiB of metadata with every character escaped, and the fields around it. */
export const MAX_SIDECAR_BYTES: number = 512 * 1024;

const FORMAT = 'metadata/1';

/** The parts of an object that are not in its file. */
export interface Sidecar {
  readonly metadata: Metadata;
  readonly expires?: Date;
}

/** The text of a sidecar. */
export function formatSidecar({ metadata, expires }: Sidecar): string {
  const fields = {
    securestore: FORMAT,
    metadata,
    ...(expires === undefined ? {} : { expires: expires.toISOString() }),
  };
  const indented = `${JSON.stringify(fields, undefined, 2)}\n`;
  // Indentation may take many times what it indents, and import reads no longer ones.
  return Buffer.byteLength(indented) <= MAX_SIDECAR_BYTES ? indented : `${JSON.stringify(fields)}\n`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fail(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the sidecar ${reason}`);
}

/**
 * Reads a sidecar; undefined if `text` doesn't claim to be one, so that a file which only has the name of a
 * sidecar is a file like any other.
 *
 * @throws `INVALID_ARGUMENT` if it claims to be one and is malformed.
 */
export function parseSidecar(text: string): Sidecar | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || !('securestore' in value)) return undefined;
  const { securestore, metadata, expires, ...rest } = value;
  if (securestore !== FORMAT) fail(`must have the format "${FORMAT}" in its field "securestore"`);
  if (!isRecord(metadata)) fail('must have an object "metadata"');
  if (Object.keys(rest).length > 0) fail('has unknown fields');
  if (expires === undefined) return { metadata };
  const moment = typeof expires === 'string' ? new Date(expires) : undefined;
  if (moment === undefined || Number.isNaN(moment.getTime())) fail('must have a time in its field "expires"');
  return { metadata, expires: moment };
}
