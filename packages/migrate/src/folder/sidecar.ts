import { SecureStoreError } from '@securestore/core-format';
import type { Metadata } from '@securestore/objects';

/** What `export --metadata` puts behind the name of a file to make the name of its sidecar. */
export const SIDECAR_SUFFIX = '.securestore.json';

/** The largest sidecar in bytes: 64 KiB of metadata with every character escaped, and the fields around it. */
export const MAX_SIDECAR_BYTES: number = 512 * 1024;

const FORMAT = 'metadata/1';

/** What a file can't hold of an object. */
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
  throw new SecureStoreError('INVALID_ARGUMENT', `this sidecar ${reason}; mend it, or remove its "securestore" field`);
}

/**
 * What a sidecar says; undefined where `text` doesn't claim to be one, so that a file which only has the name of a
 * sidecar is a file like any other.
 *
 * @throws `INVALID_ARGUMENT` where it claims to be one and isn't.
 */
export function parseSidecar(text: string): Sidecar | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || !('securestore' in value)) return undefined;
  const { securestore, metadata, expires, ...rest } = value;
  if (securestore !== FORMAT) fail(`is not of the format "${FORMAT}"`);
  if (!isRecord(metadata)) fail('has no object "metadata"');
  if (Object.keys(rest).length > 0) fail('has fields that are not known');
  if (expires === undefined) return { metadata };
  const moment = typeof expires === 'string' ? new Date(expires) : undefined;
  if (moment === undefined || Number.isNaN(moment.getTime())) fail('has an "expires" that is not a time');
  return { metadata, expires: moment };
}
