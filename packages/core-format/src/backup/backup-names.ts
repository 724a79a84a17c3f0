import { decodeBase32, decodeNumber, encodeBase32, encodeNumber } from '../text/base32.ts';
import { ID_LENGTH } from '../record/record.ts';

/** The object of a destination that holds the head of the store and what it names. */
export const BACKUP_KEYS_NAME = 'keys';

/** The prefixes under which the objects of a destination lie. */
export const BACKUP_AREAS = {
  points: 's/',
  pages: 'x/',
  packs: 'd/',
  envelopes: 'e/',
  blobs: 'b/',
  work: 'w/',
} as const;

/** The length of the digests by which files of a destination are named. */
export const FILE_DIGEST_LENGTH = 32;
const PART_DIGITS = 8;
/** No number of a part. */
const DIGESTS = '@';

/** A file of a destination that never changes: under which number its run was to be published, and SHA-256 of its bytes. */
export interface FileReference {
  readonly epoch: number;
  readonly digest: Uint8Array;
}

/** Points count downwards in these names, so that the newest is the first entry of a listing. */
export function pointName(number: number): string {
  return BACKUP_AREAS.points + encodeNumber(Number.MAX_SAFE_INTEGER - number);
}

/** The number of a point by its name; `undefined` for another name. */
export function pointNumber(name: string): number | undefined {
  if (!name.startsWith(BACKUP_AREAS.points)) return undefined;
  const inverted = decodeNumber(name.slice(BACKUP_AREAS.points.length));
  return inverted === undefined ? undefined : Number.MAX_SAFE_INTEGER - inverted;
}

const fileName = (area: string, { epoch, digest }: FileReference): string =>
  `${area}${encodeNumber(epoch)}-${encodeBase32(digest)}`;

export function indexPageName(file: FileReference): string {
  return fileName(BACKUP_AREAS.pages, file);
}

export function packName(file: FileReference): string {
  return fileName(BACKUP_AREAS.packs, file);
}

/** Where the envelopes lie of the records of a pack. */
export function envelopesName(pack: FileReference): string {
  return fileName(BACKUP_AREAS.envelopes, pack);
}

/** Where the parts of a payload lie at a destination. */
export function backupBlobPrefix(epoch: number, blobId: Uint8Array): string {
  return `${BACKUP_AREAS.blobs}${encodeNumber(epoch)}-${encodeBase32(blobId)}/`;
}

export function backupPartName(epoch: number, blobId: Uint8Array, part: number): string {
  return backupBlobPrefix(epoch, blobId) + part.toString(16).padStart(PART_DIGITS, '0');
}

/** Where the digests of all parts of a payload lie. */
export function blobDigestsName(epoch: number, blobId: Uint8Array): string {
  return backupBlobPrefix(epoch, blobId) + DIGESTS;
}

/** Where the state of a run lies, or of what could not be copied: the later one counts, whose number is greater, and is listed first. */
export function backupWorkName(what: string, number: number): string {
  return `${backupWorkPrefix(what)}${encodeNumber(Number.MAX_SAFE_INTEGER - number)}`;
}

export function backupWorkPrefix(what: string): string {
  return `${BACKUP_AREAS.work}${what}/`;
}

/** The number in such a name; `undefined` for another name. */
export function backupWorkNumber(what: string, name: string): number | undefined {
  const prefix = backupWorkPrefix(what);
  const inverted = name.startsWith(prefix) ? decodeNumber(name.slice(prefix.length)) : undefined;
  return inverted === undefined ? undefined : Number.MAX_SAFE_INTEGER - inverted;
}

/** What the name of a page, pack or envelopes says; `undefined` for another name. */
export function parseFileName(name: string): (FileReference & { readonly area: string }) | undefined {
  const [, area, number = '', id = ''] = /^([xde]\/)([0-9a-v]{11})-([0-9a-v]+)$/.exec(name) ?? [];
  const [epoch, digest] = [decodeNumber(number), decodeBase32(id)];
  if (area === undefined || epoch === undefined || digest?.length !== FILE_DIGEST_LENGTH) return undefined;
  return { area, epoch, digest };
}

/** What the name of a part, or of the digests of all parts, says; `undefined` for another name. */
export function parseBackupBlobName(
  name: string,
): { readonly epoch: number; readonly blobId: Buffer; readonly part: number | 'digests' } | undefined {
  const [, number = '', id = '', rest] = /^b\/([0-9a-v]{11})-([0-9a-v]+)\/(@|[0-9a-f]{8})$/.exec(name) ?? [];
  const [epoch, blobId] = [decodeNumber(number), decodeBase32(id)];
  if (rest === undefined || epoch === undefined || blobId?.length !== ID_LENGTH) return undefined;
  return { epoch, blobId, part: rest === DIGESTS ? 'digests' : Number.parseInt(rest, 16) };
}
