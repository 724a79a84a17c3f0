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
import { MissingFile } from './errors.ts';
import { readWhole } from './files.ts';
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

/** Replaces the envelopes of a pack that are under older keys. @returns the envelopes that are still needed */
async function rekeyPack(
  area: BackupArea,
  destination: Destination,
  pack: FileReference,
  signal: AbortSignal | undefined,
): Promise<readonly (PackedEnvelope | undefined)[]> {
  const read = async (): Promise<ReturnType<typeof decodeEnvelopes>> =>
    decodeEnvelopes(await readWhole(destination.backend, envelopesName(pack), signal));
  const isOld = (envelope: PackedEnvelope | undefined): boolean =>
    envelope !== undefined && !area.isPrimary(envelope.keyId);
  const envelopes = await read();
  if (!envelopes.some(isOld)) return envelopes;
  const directory = await directoryOf(destination, pack, signal);
  const next = (envelope: PackedEnvelope, slot: number): PackedEnvelope => {
    const entry = directory[slot];
    if (entry === undefined || !isOld(envelope)) return envelope;
    const record = joinRecord(entry.headerBytes, { ...envelope, commitment: entry.commitment }, NO_BODY);
    const rewrapped = area.rewrap(record);
    return rewrapped === undefined ? envelope : splitRecord(rewrapped).envelope;
  };
  await replaceEnvelopes(destination, pack, next, signal);
  // What was destroyed on purpose needs no key any more.
  return (await read()).filter((_, slot) => {
    const header = directory[slot]?.headerBytes ?? Buffer.alloc(0);
    return header.length === 0 || !area.isDestroyed(decodeRecordHeader(header).categoryId);
  });
}

/**
 * Brings what lies at a destination under the keys of now: envelopes are replaced, and nothing else is touched. Several at once do no
 * harm.
 *
 * @returns what lies under which key version: by its id, how many envelopes
 * @throws SecureStoreError `INTEGRITY` if something can't be read, `ACCESS_DENIED` for a member, and what the backend throws
 */
export async function rekeyDestination(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { key } of entriesUnder(destination.backend, BACKUP_AREAS.envelopes, { signal })) {
    const pack = parseFileName(key);
    for (const envelope of pack === undefined ? [] : await rekeyPack(area, destination, pack, signal)) {
      if (envelope === undefined) continue;
      const id = asBuffer(envelope.keyId).toString('hex');
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}
