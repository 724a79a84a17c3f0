import {
  ByteReader,
  blobGeometry,
  decodeAuditBatch,
  decodeAuditEntry,
  decodeAuditHeader,
  decodeCategoryMap,
  decodeCheckpointPage,
  decodeCheckpointRoot,
  decodeConsumer,
  decodeGrantBox,
  decodeGrants,
  decodeHead,
  decodeHeadAudit,
  decodeHint,
  decodeKeyring,
  decodeMarker,
  decodeMembers,
  decodeObjectBody,
  decodeRecordHeader,
  decodeSlot,
  decodeSlotBox,
  decodeSystemBody,
  decodeTombstoneBody,
  decodeWriter,
  encodeAuditBatch,
  encodeAuditEntry,
  encodeAuditHeader,
  encodeCategoryMap,
  encodeCheckpointPage,
  encodeCheckpointRoot,
  encodeConsumer,
  encodeGrantBox,
  encodeGrants,
  encodeHead,
  encodeHeadAudit,
  encodeHint,
  encodeKeyring,
  encodeMarker,
  encodeMembers,
  encodeObjectBody,
  encodeRecordHeader,
  encodeSlot,
  encodeSlotBox,
  encodeSystemHeader,
  encodeTombstoneBody,
  encodeWriter,
  joinAuditHeader,
  joinCheckpointRoot,
  joinHead,
  joinRecord,
  locateChunk,
  partLength,
  PURPOSES,
  recordKeyId,
  splitRecord,
  systemBodyKeyId,
} from '../../../../packages/core-format/src/index.ts';
import type { Purpose } from '../../../../packages/core-format/src/index.ts';
import { BASES } from '../../../vectors/src/make/base.ts';
import { bytesFrom, u32, u53 } from '../../../vectors/src/make/bytes.ts';
import { make } from '../../../vectors/src/make/make.ts';
import { GROUPS } from '../../../vectors/src/vectors.ts';
import type { Target } from './target.ts';
import { codec, DAMAGED } from './target.ts';

// What the vectors are made of is what the fuzzing starts from: every structure of a store, of each base.
// So are those with a fault that readers take: they have what is rare, such as fields of later releases.
const MADE = BASES.flatMap((base) => {
  const taken = Object.values(GROUPS)
    .flatMap((cases) => cases(base))
    .filter(({ fault, expect }) => fault !== undefined && expect === 'ok');
  return [make(base), ...taken.map(({ fault }) => make(base, fault))];
});

/** Each once. */
const different = (bodies: readonly Buffer[]): Buffer[] => [
  ...new Map(bodies.map((body) => [body.toString('latin1'), body])).values(),
];

const structures = (...stages: readonly RegExp[]): Buffer[] => {
  const found = MADE.flatMap((made) => [...made.stages].filter(([name]) => stages.some((stage) => stage.test(name))));
  return different(found.flatMap(([, { after }]) => after ?? []));
};

const bodiesAt = (area: string): Buffer[] => {
  const found = MADE.flatMap(({ objects }) => [...objects].filter(([name]) => name.startsWith(area)));
  return different(found.map(([, body]) => body));
};

/** Only what ends the head may have any bytes. */
function head(): Target {
  return codec('head', bodiesAt('store'), decodeHead, (signed) => joinHead(encodeHead(signed.head), signed.signature));
}

function records(): Target[] {
  return [
    codec('record', [...bodiesAt('o/'), ...bodiesAt('h/')], splitRecord, ({ header, envelope, sealedBody }) =>
      joinRecord(encodeRecordHeader(header), envelope, sealedBody),
    ),
    codec('H', structures(/^H of/), decodeRecordHeader, encodeRecordHeader),
    codec('body of an object', structures(/^body of (?!deleted|purged)/), decodeObjectBody, encodeObjectBody),
    codec('body of a tombstone', structures(/^body of (deleted|purged)/), decodeTombstoneBody, encodeTombstoneBody),
    {
      name: 'key id of a record',
      seeds: bodiesAt('o/').map((body) => body.subarray(0, 150)),
      codes: DAMAGED,
      parse: (input) => void recordKeyId(input),
    },
  ];
}

/** Numbers out of a record: length, chunk size and part size. */
function geometry(): Target {
  return {
    name: 'lengths of a blob',
    seeds: [4096, 65_536, 1_048_576].map((chunk) =>
      Buffer.concat([u53(3 * chunk + 1), u32(chunk), u32(2 * (chunk + 16))]),
    ),
    codes: DAMAGED,
    parse(input) {
      const reader = new ByteReader('the record', input);
      const [length, chunkSize, partSize] = [reader.u53(), reader.u32(), reader.u32()];
      reader.end();
      const found = blobGeometry(length, chunkSize, partSize);
      const last = locateChunk(found, found.chunks - 1);
      const end = partLength(found, found.parts - 1);
      if (last.part !== found.parts - 1 || last.start + last.length !== end)
        throw new Error('the last chunk ends elsewhere');
      return undefined;
    },
  };
}

/** Purposes that vectors don't have yet. */
const NEW: ReadonlySet<Purpose> = new Set([
  'policy',
  'members',
  'audit',
  'backupPoint',
  'backupPage',
  'backupWork',
  'destinations',
  'migration',
]);

/** Sealed as the category map is, but for the byte that says what it is. */
function renamed(purpose: Purpose): Buffer[] {
  return structures(/^sealed category map$/).map((body) => {
    const other = Buffer.from(body);
    other[6] = PURPOSES[purpose];
    return other;
  });
}

function ownObjects(): Target[] {
  const sealed: Record<Purpose, string> = {
    keyring: 'keyring',
    categoryMap: 'category map',
    hint: 'hint',
    writer: 'writer',
    consumer: 'consumer',
    job: 'last collection',
    checkpointPage: 'page',
    checkpoint: 'checkpoint',
    marker: 'marker',
    policy: 'policy',
    members: 'directory of members',
    audit: 'part of the audit log',
    backupPoint: 'point of a backup',
    backupPage: 'page of an index of a backup',
    backupWork: 'state of a run of a backup',
    destinations: 'list of destinations',
    migration: 'store URL that a store moves to',
  };
  const bodies = (Object.keys(PURPOSES) as Purpose[]).map((purpose) =>
    codec(
      `sealed ${sealed[purpose]}`,
      NEW.has(purpose) ? renamed(purpose) : structures(new RegExp(`^sealed ${sealed[purpose]}$`)),
      (bytes) => decodeSystemBody('it', purpose, bytes),
      (body) =>
        Buffer.concat([encodeSystemHeader(body.suite, purpose, body.salt, body.keyId), body.commitment, body.sealed]),
    ),
  );
  return [
    ...bodies,
    codec('keyring', structures(/^keyring$/), decodeKeyring, encodeKeyring),
    codec('category map', structures(/^category map$/), decodeCategoryMap, encodeCategoryMap),
    codec('hint', structures(/^hint$/), decodeHint, encodeHint),
    codec('writer', structures(/^writer$/), decodeWriter, encodeWriter),
    codec('consumer', structures(/^consumer$/), decodeConsumer, encodeConsumer),
    codec('marker', structures(/^marker$/), decodeMarker, encodeMarker),
    codec('page', structures(/^page$/), decodeCheckpointPage, encodeCheckpointPage),
    codec('checkpoint', structures(/^checkpoint$/), decodeCheckpointRoot, ({ root, signature }) =>
      joinCheckpointRoot(encodeCheckpointRoot(root), signature),
    ),
    {
      name: 'key id of an own object',
      seeds: structures(/^sealed hint$/),
      codes: DAMAGED,
      parse: (input) => void systemBodyKeyId(input),
    },
  ];
}

/** No store of the vectors has members. */
function grants(): Target[] {
  const publicKeys = [1, 2].map((number) => Buffer.alloc(32, number));
  const directory = bytesFrom('directory', 120);
  const boxes = structures(/^keyring$/).map((bytes) => {
    const { nameKey, groups } = decodeKeyring(bytes);
    const none = groups.map((group) => ({
      ...group,
      versions: group.versions.map((version) =>
        version.destroyAt > 0 ? { ...version, key: Buffer.alloc(32) } : version,
      ),
    }));
    const ids = { lineage: bytesFrom('lineage', 16), instance: bytesFrom('instance', 16), generation: 3 };
    return encodeGrantBox({ ...ids, publicKey: bytesFrom('key', 32), nameKey, groups: none });
  });
  const members = publicKeys.map((publicKey, index) => ({
    publicKey,
    name: `member ${index}`,
    added: 1,
    categories: [Buffer.alloc(16, 1), Buffer.alloc(16, 2)].slice(index),
    groups: (['audit', 'backup'] as const).slice(index),
  }));
  const sealed = publicKeys.map((publicKey) => ({ publicKey, sealed: bytesFrom('sealed', 100) }));
  return [
    codec('grants', [encodeGrants({ grants: sealed, directory })], decodeGrants, encodeGrants),
    codec('grant', boxes, decodeGrantBox, encodeGrantBox),
    codec('members', [encodeMembers(members)], decodeMembers, encodeMembers),
  ];
}

/** No store of the vectors has an audit. */
function auditSegments(): Target[] {
  const texts = { principal: 'ä', action: 'read', category: 'default', reason: '', requestId: 'r-1' };
  const entry = { sequence: 1, time: 2, outcome: 'allowed', duration: 3, ...texts } as const;
  const objects = [undefined, { name: 'a/b' }, { hash: bytesFrom('hash', 16) }];
  const entries = objects.map((object) => encodeAuditEntry(object === undefined ? entry : { ...entry, object }));
  const links = [1, 2].map((id) => ({ segment: Buffer.alloc(16, id), count: id, mac: bytesFrom('mac', 32) }));
  const headers = [[], links].map((previous) => {
    const signature = bytesFrom('signature', 64);
    const certificate = { created: 1, publicKey: bytesFrom('key', 32), signature };
    const ids = { segment: bytesFrom('segment', 16), instance: bytesFrom('instance', 16), started: 2 };
    const sealed = { auditor: bytesFrom('auditor', 32), sealedKey: bytesFrom('box', 80) };
    return joinAuditHeader(encodeAuditHeader({ ...ids, ...sealed, previous, certificate }), signature);
  });
  const [bytes = Buffer.of()] = entries;
  const mac = bytesFrom('mac', 32);
  const batches = [{ entries: [] }, { header: { bytes, mac }, entries: [{ batch: 1, bytes, mac }] }];
  const modes = [[], links].flatMap((ends) =>
    (['batched', 'fail-closed', 'off'] as const).map((mode) =>
      encodeHeadAudit({ auditor: bytesFrom('auditor', 32), mode, ends }),
    ),
  );
  return [
    codec('audit of a head', modes, decodeHeadAudit, encodeHeadAudit),
    codec('part of an audit log', batches.map(encodeAuditBatch), decodeAuditBatch, encodeAuditBatch),
    codec('audit entry', entries, decodeAuditEntry, encodeAuditEntry),
    codec('audit header', headers, decodeAuditHeader, ({ header, signature }) =>
      joinAuditHeader(encodeAuditHeader(header), signature),
    ),
  ];
}

/** The parsers of bytes. */
export function codecTargets(): Target[] {
  return [
    ...records(),
    geometry(),
    head(),
    codec('slot', structures(/^slot /), decodeSlot, encodeSlot),
    codec('box of a slot', structures(/^box of slot/), decodeSlotBox, encodeSlotBox),
    ...ownObjects(),
    ...grants(),
    ...auditSegments(),
  ];
}
