import { decodeBase32, decodeNumber, encodeBase32, encodeNumber } from '../text/base32.ts';
import { ID_LENGTH } from './record.ts';
import type { JournalPurpose } from './system-body.ts';

/** The backend object that holds the head. */
export const HEAD_NAME = 'store';

/** The prefixes under which the objects of a store lie. */
export const AREAS = {
  objects: 'o/',
  history: 'h/',
  blobs: 'b/',
  keyrings: 'k/',
  policies: 'p/',
  markers: 'g/',
  journal: 'j/',
  work: 'w/',
  checkpoints: 'c/',
  audit: 'a/',
} as const;

// `.` sorts below `/` and below every byte of a token, so that the history and the parts of objects list in the
// order of the objects themselves.
const OF = './@';
const PART_DIGITS = 8;
/** Below the markers, where no token is: tokens of markers are followed by {@link OF}. */
export const PROBES = 'g/probe/';

export function objectName(token: string): string {
  return AREAS.objects + token;
}

/** Where the versions of an object lie, newest first. */
export function historyPrefix(token: string): string {
  return AREAS.history + token + OF;
}

/** Versions count downwards in these names, so that "the newest not after T" is the first entry of one listing. */
export function historyName(token: string, version: number): string {
  return historyPrefix(token) + encodeNumber(Number.MAX_SAFE_INTEGER - version);
}

/** The version in a history name; `undefined` where it is none under `prefix`. */
export function historyVersion(prefix: string, name: string): number | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const inverted = decodeNumber(name.slice(prefix.length));
  return inverted === undefined ? undefined : Number.MAX_SAFE_INTEGER - inverted;
}

/** Where the parts of all blobs of an object lie. */
export function blobsPrefix(token: string): string {
  return AREAS.blobs + token + OF;
}

export function partName(token: string, blobId: Uint8Array, part: number): string {
  return `${blobsPrefix(token)}${encodeBase32(blobId)}/${part.toString(16).padStart(PART_DIGITS, '0')}`;
}

/** Where the parts of one blob lie. @param blobId in base32 */
export function blobPrefix(token: string, blobId: string): string {
  return `${blobsPrefix(token)}${blobId}/`;
}

/** Cuts a name in the history, the blobs or the markers into the token of its object and what follows. */
export function splitUnderToken(area: string, name: string): { token: string; rest: string } | undefined {
  const at = name.indexOf(OF, area.length);
  return at === -1 ? undefined : { token: name.slice(area.length, at), rest: name.slice(at + OF.length) };
}

/** The token of the object that a record, a version in the history or a part belongs to; `undefined` for other names. */
export function tokenOf(name: string): string | undefined {
  if (name.startsWith(AREAS.objects)) return name.slice(AREAS.objects.length);
  const area = [AREAS.history, AREAS.blobs].find((one) => name.startsWith(one));
  return area && splitUnderToken(area, name)?.token;
}

/** A name that sorts after everything in `area` of the object, and before anything of the next one. */
export function afterToken(area: string, token: string): string {
  return area === AREAS.objects ? area + token : `${area}${token}./~`;
}

/** A fresh name for an object by which the backend's clock is read. */
export function probeName(random: Uint8Array): string {
  return PROBES + encodeBase32(random);
}

/** Where the collection marker of a blob lies. */
export function markerName(token: string, blobId: Uint8Array): string {
  return `${AREAS.markers}${token}${OF}${encodeBase32(blobId)}`;
}

/** Where the hints of a writer lie, in the order of their sequence numbers. */
export function journalPrefix(writer: Uint8Array): string {
  return `${AREAS.journal}${encodeBase32(writer)}/`;
}

export function hintName(writer: Uint8Array, sequence: number): string {
  return journalPrefix(writer) + encodeNumber(sequence);
}

/** The sequence number in a hint's name; `undefined` where it is none under `prefix`. */
export function hintSequence(prefix: string, name: string): number | undefined {
  return name.startsWith(prefix) ? decodeNumber(name.slice(prefix.length)) : undefined;
}

/** What keeps the state of its work under `w/`. */
export type WorkKind = 'writer' | 'consumer' | 'job' | 'collected' | 'backup';

export function workPrefix(kind: WorkKind): string {
  return `${AREAS.work}${kind}/`;
}

export function workName(kind: WorkKind, id: Uint8Array): string {
  return workPrefix(kind) + encodeBase32(id);
}

/** Where it says when the store was collected last. */
export const COLLECTED_NAME: string = `${workPrefix('collected')}last`;

/** A page of a checkpoint, named by a keyed digest of what it says. */
export function checkpointPageName(digest: Uint8Array): string {
  return AREAS.checkpoints + encodeBase32(digest);
}

function numbered(area: string, generation: number, random: Uint8Array): string {
  return `${area}${encodeNumber(generation)}-${encodeBase32(random)}`;
}

/** A fresh name for a keyring written for `generation`. */
export function keyringName(generation: number, random: Uint8Array): string {
  return numbered(AREAS.keyrings, generation, random);
}

/** A fresh name for a policy, grants or a category map written for `generation`. */
export function policyName(generation: number, random: Uint8Array): string {
  return numbered(AREAS.policies, generation, random);
}

/** A fresh name for the root of a checkpoint that the head of `generation` names. */
export function checkpointName(generation: number, random: Uint8Array): string {
  return numbered(AREAS.checkpoints, generation, random);
}

/** Where the audit segment lies that began at `started`, in milliseconds since 1970: the newest first. */
export function auditPrefix(started: number, segment: Uint8Array): string {
  return `${AREAS.audit}${encodeNumber(Number.MAX_SAFE_INTEGER - started)}-${encodeBase32(segment)}/`;
}

/** A name of a batch of audit entries, of which the first has the number `sequence`. @param prefix as {@link auditPrefix} gives it */
export function auditName(prefix: string, sequence: number): string {
  return prefix + encodeNumber(sequence);
}

/** What a name under `a/` says; `undefined` for one that no store makes there. */
export function parseAuditName(
  name: string,
): { readonly prefix: string; readonly segment: Buffer; readonly sequence: number } | undefined {
  const [, prefix, started = '', id = '', number = ''] =
    /^(a\/([0-9a-v]{11})-([0-9a-v]{26})\/)([0-9a-v]{11})$/.exec(name) ?? [];
  const [segment, sequence] = [decodeBase32(id), decodeNumber(number)];
  if (prefix === undefined || segment === undefined || sequence === undefined) return undefined;
  return decodeNumber(started) === undefined ? undefined : { prefix, segment, sequence };
}

/** The generation for which an object that the head names was written; `undefined` for another name. */
export function generationOf(name: string): number | undefined {
  const match = /^[ckp]\/([0-9a-v]+)-[0-9a-v]+$/.exec(name);
  return match?.[1] === undefined ? undefined : decodeNumber(match[1]);
}

/** The number of bytes of the keyed digest by which a page of a checkpoint is named. */
const PAGE_ID_LENGTH = 32;

const isId = (text: string, length = ID_LENGTH): boolean => decodeBase32(text)?.length === length;

function workPurpose(name: string): 'writer' | 'consumer' | 'job' | undefined {
  if (name === COLLECTED_NAME) return 'job';
  const ofBackups = workPrefix('backup');
  if (name.startsWith(ofBackups)) return isId(name.slice(ofBackups.length)) ? 'job' : undefined;
  return (['writer', 'consumer', 'job'] as const).find((kind) => {
    const prefix = workPrefix(kind);
    return name.startsWith(prefix) && isId(name.slice(prefix.length));
  });
}

function isHintName(name: string): boolean {
  const [writer = '', sequence = '', ...rest] = name.slice(AREAS.journal.length).split('/');
  return rest.length === 0 && isId(writer) && decodeNumber(sequence) !== undefined;
}

/**
 * What an object under `w/`, `j/`, `g/` or `c/` is for by its name; `undefined` for a name that no store makes there.
 */
export function purposeOf(name: string): JournalPurpose | undefined {
  if (name.startsWith(AREAS.work)) return workPurpose(name);
  if (name.startsWith(AREAS.journal)) return isHintName(name) ? 'hint' : undefined;
  if (name.startsWith(PROBES)) return 'marker';
  if (name.startsWith(AREAS.markers)) {
    return isId(splitUnderToken(AREAS.markers, name)?.rest ?? '') ? 'marker' : undefined;
  }
  if (!name.startsWith(AREAS.checkpoints)) return undefined;
  if (generationOf(name) !== undefined) return 'checkpoint';
  return isId(name.slice(AREAS.checkpoints.length), PAGE_ID_LENGTH) ? 'checkpointPage' : undefined;
}
