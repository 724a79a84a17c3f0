import {
  blobGeometry,
  encodeBlobHeader,
  encodeObjectBody,
  encodeRecordHeader,
  encodeTombstoneBody,
  historyName,
  noId,
  objectName,
  parseStoreKey,
  partName,
} from '../../../../packages/core-format/src/index.ts';
import type { BlobReference } from '../../../../packages/core-format/src/index.ts';
import type { NameCipher } from '../../../../packages/crypto/src/index.ts';
import type { Base, Item, Keys } from './base.ts';
import { CHUNK, commitOf, GENERATION, nameOf, TIME } from './base.ts';
import { bytesFrom, derive, hmac256 } from './bytes.ts';
import { sealBlob, sealRecord } from './sealing.ts';

/** Gives a structure, or what the fault makes of it. */
export type Stage = (name: string, bytes: Buffer) => Buffer;

export interface Workplace {
  readonly base: Base;
  readonly keys: Keys;
  readonly names: NameCipher;
  readonly stage: Stage;
  readonly put: (name: string, body: Buffer) => void;
}

const TAG = 16;
/** Header and commitment of a blob. */
const PREFIX = 60;

interface Blob {
  readonly reference: BlobReference;
  readonly key: Buffer;
}

function putBlob({ base, names, stage, put }: Workplace, item: Item, chunksPerPart: number): Blob {
  const what = nameOf(item);
  const blobId = bytesFrom(`${base.name} blob ${what}`, 16);
  const key = bytesFrom(`${base.name} key of the blob ${what}`, 32);
  const { payload } = item;
  const geometry = blobGeometry(payload.length, CHUNK, chunksPerPart * (CHUNK + TAG));
  const header = stage(
    `header of the blob of ${what}`,
    encodeBlobHeader({ suite: base.formerSuite, chunkSize: CHUNK, blobId }),
  );
  const chunks = Array.from({ length: geometry.chunks }, (_, index) =>
    stage(`chunk ${index} of ${what}`, payload.subarray(index * CHUNK, (index + 1) * CHUNK)),
  );
  const sealed = sealBlob(base.formerSuite, header, key, chunks);
  const { token } = names.locate(parseStoreKey(item.key));
  for (let part = 0; part < geometry.parts; part++) {
    const end = PREFIX + (part + 1) * geometry.partSize;
    put(partName(token, blobId, part), sealed.subarray(part === 0 ? 0 : end - geometry.partSize, end));
  }
  return { reference: { blobId, partSize: geometry.partSize, sealedLength: geometry.sealedLength }, key };
}

function bodyOf({ base }: Workplace, item: Item, blob: Blob | undefined): Buffer {
  if (item.kind === 'tombstone') return encodeTombstoneBody({ modified: TIME, origin: item.origin });
  const digestKey = bytesFrom(`${base.name} digest ${item.sealedUnder === 'secrets' ? 'secrets' : 'default'}`, 32);
  return encodeObjectBody({
    name: item.key,
    created: TIME,
    modified: TIME,
    expires: 0,
    origin: item.origin,
    length: item.payload.length,
    digest: hmac256(derive(digestKey, 'digest whole'), item.payload),
    metadata: Buffer.from(item.metadata),
    payload:
      blob === undefined
        ? { kind: 'inline', data: item.payload }
        : { kind: 'blob', suite: base.formerSuite, key: blob.key, chunkSize: CHUNK },
  });
}

/** Lays an object at its place. */
export function putItem(place: Workplace, item: Item): void {
  const { base, keys, names, stage, put } = place;
  const what = nameOf(item);
  const { token, nameId } = names.locate(parseStoreKey(item.key));
  const blob = item.chunksPerPart === undefined ? undefined : putBlob(place, item, item.chunksPerPart);
  const first = item.origin === item.version;
  const header = stage(
    `H of ${what}`,
    encodeRecordHeader({
      suite: item.sealedUnder === 'former' ? base.formerSuite : base.suite,
      kind: item.kind,
      lineage: keys.lineage,
      nameId,
      categoryId: keys.categories[item.sealedUnder === 'secrets' ? 'secrets' : 'default'],
      version: item.version,
      commitId: commitOf(base, item),
      previousCommitId: first ? noId() : bytesFrom(`${base.name} commit before ${what}`, 16),
      generation: GENERATION,
      ...(blob === undefined ? {} : { blob: blob.reference }),
    }),
  );
  const record = sealRecord(header, stage(`body of ${what}`, bodyOf(place, item, blob)), {
    suite: item.sealedUnder === 'former' ? base.formerSuite : base.suite,
    version: stage(`key version of ${what}`, keys.versions[item.sealedUnder]),
    dek: bytesFrom(`${base.name} dek ${what}`, 32),
    commit: (commitment) => stage(`commitment of ${what}`, commitment),
  });
  put(item.past === true ? historyName(token, item.version) : objectName(token), record);
}
