import type { FileReference, PackedEnvelope, PackEntry } from '@securestore/core-format';
import {
  asBuffer,
  BACKUP_AREAS,
  decodeEnvelopes,
  decodePackDirectory,
  decodePackStart,
  decodeRecordHeader,
  envelopesName,
  joinRecord,
  PACK_START_LENGTH,
  packName,
  parseFileName,
  splitRecord,
} from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import { entriesUnder } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { MissingFile, readWhole } from './files.ts';
import { replaceEnvelopes } from './packs.ts';

/** In the place of a sealed body, which re-keying does not touch: as long as the shortest, that of a deletion. */
const NO_BODY: Buffer = Buffer.alloc(32);

/** The directory of a pack, without its bodies. */
async function directoryOf(
  { backend }: Destination,
  pack: FileReference,
  signal: AbortSignal | undefined,
): Promise<PackEntry[]> {
  const name = packName(pack);
  const start = await backend.read(name, { start: 0, end: PACK_START_LENGTH, signal });
  if (start === undefined) throw new MissingFile(name);
  const { bodiesAt } = decodePackStart(start.body);
  const found = await backend.read(name, { start: 0, end: bodiesAt, signal });
  if (found === undefined) throw new MissingFile(name);
  return decodePackDirectory(found.body);
}

async function rekeyPack(
  area: BackupArea,
  destination: Destination,
  pack: FileReference,
  counts: Map<string, number>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = await readWhole(destination.backend, envelopesName(pack), signal);
  const isOld = (envelope: PackedEnvelope | undefined): boolean =>
    envelope !== undefined && !area.isPrimary(envelope.keyId);
  const envelopes = decodeEnvelopes(body);
  if (envelopes.some(isOld)) {
    const directory = await directoryOf(destination, pack, signal);
    const next = (envelope: PackedEnvelope, slot: number): PackedEnvelope => {
      const entry = directory[slot];
      if (entry === undefined || !isOld(envelope)) return envelope;
      const record = joinRecord(entry.headerBytes, { ...envelope, commitment: entry.commitment }, NO_BODY);
      const rewrapped = area.rewrap(record);
      return rewrapped === undefined ? envelope : splitRecord(rewrapped).envelope;
    };
    await replaceEnvelopes(destination, pack, next, signal);
    const after = decodeEnvelopes(await readWhole(destination.backend, envelopesName(pack), signal));
    for (const [slot, envelope] of after.entries()) {
      const entry = directory[slot];
      // What was destroyed on purpose needs no key any more.
      const isGone =
        entry !== undefined &&
        entry.headerBytes.length > 0 &&
        area.isDestroyed(decodeRecordHeader(entry.headerBytes).categoryId);
      if (envelope !== undefined && !isGone) count(counts, envelope);
    }
    return;
  }
  for (const envelope of envelopes) if (envelope !== undefined) count(counts, envelope);
}

function count(counts: Map<string, number>, { keyId }: PackedEnvelope): void {
  const id = asBuffer(keyId).toString('hex');
  counts.set(id, (counts.get(id) ?? 0) + 1);
}

/**
 * Brings what lies at a destination under the keys of now: envelopes are replaced, and nothing else is touched. Several at once do no
 * harm.
 *
 * @returns what lies under which key version: by its id, how many envelopes
 * @throws SecureStoreError `INTEGRITY` where something can't be read, `ACCESS_DENIED` for a member, and what the backend throws
 */
export async function rekeyDestination(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { key } of entriesUnder(destination.backend, BACKUP_AREAS.envelopes, { signal })) {
    const pack = parseFileName(key);
    if (pack !== undefined) await rekeyPack(area, destination, pack, counts, signal);
  }
  return counts;
}
