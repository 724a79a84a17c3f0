import {
  backupPartName,
  blobDigestsName,
  decodeBackupKeys,
  decodeBlobDigests,
  decodeEnvelopes,
  decodeIndexPage,
  decodePack,
  decodePackDirectory,
  decodePackStart,
  decodePoint,
  encodeBackupKeys,
  encodeBlobDigests,
  encodeEnvelopes,
  encodeIndexPage,
  encodePack,
  encodePoint,
  envelopesName,
  indexPageName,
  packName,
  parseBackupBlobName,
  parseFileName,
  pointName,
  pointNumber,
  splitChecksum,
  withChecksum,
} from '../../../../packages/core-format/src/index.ts';
import type { IndexEntry, IndexPage, Point } from '../../../../packages/core-format/src/index.ts';
import { bytesFrom } from '../../../vectors/src/make/bytes.ts';
import type { Target } from './target.ts';
import { codec, DAMAGED, ofText } from './target.ts';

const CHECKSUM_LENGTH = 32;
const BLOB_ID = bytesFrom('blob', 16);
const EMPTY = new Uint8Array();
const FILES = [1, 2].map((epoch) => ({ epoch, digest: bytesFrom(`file ${epoch}`, 32) }));

const splitWhole = (bytes: Buffer): Buffer => splitChecksum('a file', bytes);

/** A codec whose checksum is made to match: else no input that was changed would come past it. */
function checkedCodec<T>(
  name: string,
  values: readonly T[],
  decode: (bytes: Buffer) => T,
  encode: (value: T) => Buffer,
): Target {
  const unchecked = (value: T): Buffer => encode(value).subarray(0, -CHECKSUM_LENGTH);
  return codec(name, values.map(unchecked), (bytes) => decode(withChecksum(bytes)), unchecked);
}

function entries(): IndexEntry[] {
  const [pack = { epoch: 1, digest: EMPTY }, second = pack] = FILES;
  const fixed = { token: 'a/b', commitId: bytesFrom('commit', 16), digest: bytesFrom('digest', 32), slot: 1 };
  const blob = { epoch: 1, blobId: BLOB_ID, partSize: 4112, sealedLength: 5000, digest: bytesFrom('parts', 32) };
  return [
    { ...fixed, token: 'a/0-1/0', kind: 'other', version: 0, commitId: Buffer.alloc(16), size: 9, pack },
    { ...fixed, kind: 'tombstone', version: 3, size: 226, pack: second },
    { ...fixed, kind: 'object', version: 2, size: 400, pack, blob },
    { ...fixed, kind: 'object', version: 1, size: 300, pack: second, slot: 0 },
    { ...fixed, token: 'b', kind: 'purged', version: 1, size: 226, pack },
  ];
}

function pointsOf(): Point[] {
  const pages = FILES.map((file, at): IndexPage => ({ ...file, firstToken: at === 0 ? 'a' : 'b', count: at + 1 }));
  const snapshot: Point = {
    number: 9,
    previous: bytesFrom('previous', 32),
    instance: bytesFrom('instance', 16),
    generation: 3,
    time: 1,
    skew: 2,
    made: 3,
    kind: 'snapshot',
    base: 9,
    gap: true,
    collects: false,
    label: 'ä',
    history: { versions: 10, days: 30 },
    removed: [
      { from: 1, to: 2 },
      { from: 4, to: 4 },
    ],
    totals: { objects: 1, deleted: 1, versions: 3, bytes: 900 },
    added: { versions: 1, bytes: 300 },
    pages,
    others: pages.slice(1),
  };
  return [
    snapshot,
    { ...snapshot, kind: 'changes', base: 5, gap: false, collects: true, removed: [], pages: pages.slice(0, 1) },
    {
      ...snapshot,
      number: 1,
      base: 1,
      previous: Buffer.alloc(32),
      removed: [],
      pages: pages.slice(0, 1),
      others: [],
      totals: { objects: 1, deleted: 0, versions: 1, bytes: 300 },
    },
  ];
}

function packs(): Target[] {
  const items = [
    { headerBytes: bytesFrom('header', 106), commitment: bytesFrom('commitment', 32), body: bytesFrom('body', 60) },
    { headerBytes: EMPTY, commitment: EMPTY, body: bytesFrom('part', 20) },
  ];
  const whole = [encodePack(items), encodePack(items.slice(0, 1)), encodePack(items.slice(1))];
  const envelope = { keyId: bytesFrom('key', 8), wrappedKey: bytesFrom('wrapped', 48) };
  return [
    codec('pack', whole, decodePack, encodePack),
    {
      name: 'beginning of a pack',
      seeds: whole.map((pack) => pack.subarray(0, decodePackStart(pack).bodiesAt)),
      codes: DAMAGED,
      parse: (input) => void decodePackDirectory(input),
    },
    checkedCodec('envelopes of a pack', [[envelope], [undefined, envelope]], decodeEnvelopes, encodeEnvelopes),
    codec('bytes with a checksum', [withChecksum(EMPTY), withChecksum(BLOB_ID)], splitWhole, withChecksum),
    checkedCodec(
      'digests of the parts of a payload',
      [1, 3].map((count) => Array.from({ length: count }, () => bytesFrom('part', 32))),
      (bytes) => decodeBlobDigests(bytes, BLOB_ID),
      (digests) => encodeBlobDigests(BLOB_ID, digests),
    ),
  ];
}

const FILE_NAMES: Readonly<Record<string, typeof packName>> = {
  'x/': indexPageName,
  'd/': packName,
  'e/': envelopesName,
};

/** What the name of a file says makes the same name. */
function again(name: string): string | undefined {
  const number = pointNumber(name);
  if (number !== undefined) return pointName(number);
  const blob = parseBackupBlobName(name);
  if (blob !== undefined) {
    const { epoch, blobId, part } = blob;
    return part === 'digests' ? blobDigestsName(epoch, blobId) : backupPartName(epoch, blobId, part);
  }
  const file = parseFileName(name);
  return file && FILE_NAMES[file.area]?.(file);
}

function names(): Target {
  const files = FILES.flatMap((file) => [indexPageName(file), packName(file), envelopesName(file)]);
  const parts = [blobDigestsName(1, BLOB_ID), backupPartName(2, BLOB_ID, 255)];
  return ofText('name at a destination of backups', [pointName(1), pointName(2 ** 40), ...files, ...parts], [], again);
}

/** The parsers of what lies at a destination of backups. No store of the vectors has one. */
export function backupTargets(): Target[] {
  const objects = ['k/0-a', 'p/0-b'].map((name) => ({ name, body: bytesFrom(name, 40) }));
  const keys = { destination: bytesFrom('destination', 16), head: bytesFrom('head', 200), objects };
  return [
    checkedCodec('keys of a backup', [keys, { ...keys, objects: [] }], decodeBackupKeys, encodeBackupKeys),
    codec('point of a backup', pointsOf().map(encodePoint), decodePoint, encodePoint),
    codec(
      'page of an index of a backup',
      [entries(), entries().slice(0, 1), entries().slice(1, 4)].map(encodeIndexPage),
      decodeIndexPage,
      encodeIndexPage,
    ),
    ...packs(),
    names(),
  ];
}
