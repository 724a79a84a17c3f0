import {
  decodeAuditBatch,
  decodeAuditEntry,
  decodeAuditHeader,
  isDamage,
  parseAuditName,
} from '@securestore/core-format';
import type { MacedBytes, StoredAuditEntry } from '@securestore/core-format';
import { entryLine, headerLine } from '../entry/line.ts';
import type { AuditArea } from './place.ts';

/** A part of the log that could not be read. */
export interface DamagedPart {
  readonly name: string;
  readonly message: string;
}

function lineOfStoredHeader({ bytes, mac }: MacedBytes): string {
  const { header } = decodeAuditHeader(bytes);
  return headerLine({ header, bytes: Buffer.from(bytes), mac: Buffer.from(mac) });
}

function lineOfStoredEntry(segment: Uint8Array, { bytes, mac, batch }: StoredAuditEntry): string {
  const entry = decodeAuditEntry(bytes);
  return entryLine(segment, { entry, batch, bytes: Buffer.from(bytes), mac: Buffer.from(mac) });
}

/** The lines of one part. @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
function linesOfPart(segment: Uint8Array, plaintext: Uint8Array): string[] {
  const { header, entries } = decodeAuditBatch(plaintext);
  const begin = header === undefined ? [] : [lineOfStoredHeader(header)];
  return [...begin, ...entries.map((entry) => lineOfStoredEntry(segment, entry))];
}

interface LinesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Which parts are read; by default all. */
  readonly wanted?: ((name: string, prefix: string) => boolean) | undefined;
}

/**
 * The log that lies in a store, as the lines of a file would be: of the newest segment first, and of each in its order.
 *
 * @param damaged is told of what can't be read, and is left out
 */
export async function* linesAt(
  place: AuditArea,
  damaged: (part: DamagedPart) => void,
  { signal, wanted = () => true }: LinesOptions = {},
): AsyncGenerator<string> {
  for await (const name of place.names(undefined, { signal })) {
    const parsed = parseAuditName(name);
    if (parsed === undefined || !wanted(name, parsed.prefix)) continue;
    let lines: string[];
    try {
      const plaintext = await place.read(name, signal);
      if (plaintext === undefined) continue;
      lines = linesOfPart(parsed.segment, plaintext);
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged({ name, message: error.message });
      continue;
    }
    yield* lines;
  }
}

/**
 * The lines of {@link linesAt}, to be read several times while processes go on writing: what was written after the first
 * time is left out, since it would stand before what was there.
 */
export function sameLinesAt(
  place: AuditArea,
  damaged: (part: DamagedPart) => void,
  signal: AbortSignal | undefined,
): () => AsyncGenerator<string> {
  /** The last part of each segment. */
  let known: Map<string, string> | undefined;
  return async function* lines() {
    if (known !== undefined) {
      const before = known;
      yield* linesAt(place, damaged, { signal, wanted: (name, prefix) => name <= (before.get(prefix) ?? '') });
      return;
    }
    const seen = new Map<string, string>();
    const remember = (name: string, prefix: string): boolean => {
      seen.set(prefix, name);
      return true;
    };
    yield* linesAt(place, damaged, { signal, wanted: remember });
    known = seen;
  };
}
