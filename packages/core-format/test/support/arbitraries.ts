import * as fc from 'fast-check';
import type {
  AuditBatch,
  AuditEntry,
  AuditHeader,
  AuditLink,
  BackupKeys,
  CategoryMap,
  CheckpointEntry,
  CheckpointRoot,
  ConsumerState,
  Field,
  GrantBox,
  Grants,
  Head,
  Hint,
  IndexEntry,
  IndexPage,
  KeyGroup,
  Keyring,
  Member,
  ObjectBody,
  PackedEnvelope,
  PackItem,
  Point,
  RecordHeader,
  Slot,
  SlotBox,
  SlotMethod,
  UnknownSlot,
  WriterRegistration,
} from '../../src/index.ts';
import {
  BLOB_PREFIX_LENGTH,
  compareIndexEntries,
  MAX_ANCESTORS,
  MAX_TIME,
  SHARE_TAG_LENGTH,
  SLOT_BOX_LENGTH,
  TOMBSTONE_LENGTH,
} from '../../src/index.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const MAX = Number.MAX_SAFE_INTEGER;

export function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

const nonZero = (length: number): fc.Arbitrary<Uint8Array> => bytesOf(length).filter((bytes) => bytes.some(Boolean));
const id: fc.Arbitrary<Uint8Array> = bytesOf(16);
const u8: fc.Arbitrary<number> = fc.nat({ max: 0xff });
const u32: fc.Arbitrary<number> = fc.nat({ max: 0xffff_ffff });
const u53: fc.Arbitrary<number> = fc.oneof(fc.nat({ max: MAX }), fc.constantFrom(0, 1, 2 ** 32, MAX));
const time: fc.Arbitrary<number> = fc.nat({ max: MAX_TIME });
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength }).filter((value) => value.isWellFormed());

/** Optional fields that a reader may ignore, with tags from `first`. */
function ignorable(first: number): fc.Arbitrary<Field[]> {
  const field = fc.record({
    tag: fc.integer({ min: first, max: 255 }),
    critical: fc.constant(false),
    value: fc.uint8Array({ maxLength: 12 }),
  });
  return fc
    .uniqueArray(field, { minLength: 1, maxLength: 3, selector: ({ tag }) => tag })
    .map((fields) => fields.toSorted((a, b) => a.tag - b.tag));
}

export const headers: fc.Arbitrary<RecordHeader> = fc
  .tuple(
    fc.record({
      suite: u8,
      lineage: id,
      nameId: id,
      categoryId: id,
      version: u53,
      commitId: nonZero(16),
      previousCommitId: id,
      generation: u53,
    }),
    fc.oneof(
      fc.constant({ kind: 'tombstone' } as const),
      fc.record({ kind: fc.constant('system' as const), extra: ignorable(2) }, { requiredKeys: ['kind'] }),
      fc.record(
        {
          kind: fc.constant('object' as const),
          blob: fc.record({ blobId: id, partSize: u32, sealedLength: u53 }),
          extra: ignorable(2),
        },
        { requiredKeys: ['kind'] },
      ),
    ),
  )
  .map(([fixed, kind]) => ({ ...fixed, ...kind }));

const inlinePayload = fc.uint8Array({ maxLength: 80 }).map((data) => ({
  length: data.length,
  payload: { kind: 'inline', data } as const,
}));

const blobPayload = fc.record({
  length: u53,
  payload: fc.record({ kind: fc.constant('blob' as const), suite: u8, key: bytesOf(32), chunkSize: u32 }),
});

export const objectBodies: fc.Arbitrary<ObjectBody> = fc
  .tuple(
    fc.record(
      {
        name: text(40),
        created: time,
        modified: time,
        expires: time,
        origin: fc.maxSafeNat(),
        digest: bytesOf(32),
        metadata: fc.uint8Array({ maxLength: 60 }),
        extra: ignorable(1),
      },
      { requiredKeys: ['name', 'created', 'modified', 'expires', 'origin', 'digest', 'metadata'] },
    ),
    fc.oneof(inlinePayload, blobPayload),
  )
  .map(([fixed, payload]) => ({ ...fixed, ...payload }));

/** Methods whose slots have a binding tag. */
const boundMethods: fc.Arbitrary<SlotMethod> = fc.oneof(
  fc.record({
    type: fc.constant('passphrase' as const),
    salt: id,
    memory: u32,
    passes: u8,
    parallelism: u8,
  }),
  fc.record({ type: fc.constantFrom('keyFile' as const, 'rawKey' as const, 'recoveryCode' as const), salt: id }),
  fc.tuple(id, fc.integer({ min: 2, max: 255 }), fc.integer({ min: 2, max: 255 })).chain(([salt, a, b]) =>
    fc.record({
      type: fc.constant('shares' as const),
      salt: fc.constant(salt),
      threshold: fc.constant(Math.min(a, b)),
      count: fc.constant(Math.max(a, b)),
      tags: bytesOf(Math.max(a, b) * SHARE_TAG_LENGTH),
    }),
  ),
);

const unboundMethods: fc.Arbitrary<SlotMethod> = fc.oneof(
  fc.constant({ type: 'recipient' as const }),
  fc.record({
    type: fc.constant('keyWrapper' as const),
    wrapperId: fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 63 }),
    wrappedSeed: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  }),
);

const slotFields = { id, created: time, publicKey: bytesOf(32), sealedRoot: bytesOf(SLOT_BOX_LENGTH) };

export const knownSlots: fc.Arbitrary<Slot> = fc.oneof(
  fc.record({ ...slotFields, method: boundMethods, binding: bytesOf(32) }),
  fc.record({ ...slotFields, method: unboundMethods }),
);

export const unknownSlots: fc.Arbitrary<UnknownSlot> = fc
  .tuple(fc.integer({ min: 8, max: 255 }), fc.uint8Array({ maxLength: 60 }))
  .map(([code, rest]) => ({ method: { type: 'unknown' }, raw: Uint8Array.from([code, ...rest]) }));

export const slotBoxes: fc.Arbitrary<SlotBox> = fc.record({
  lineage: id,
  slotId: id,
  rootNumber: u32,
  root: bytesOf(32),
});

const reference = fc.record({
  name: fc.stringMatching(/^[a-z0-9/.@~_-]{1,40}$/),
  digest: bytesOf(32),
});

const slotLists = fc.uniqueArray(fc.oneof(knownSlots, unknownSlots), {
  maxLength: 5,
  selector: (slot) => Buffer.from('raw' in slot ? slot.raw : slot.id).toString('hex'),
});

const auditLinks: fc.Arbitrary<AuditLink[]> = fc
  .uniqueArray(fc.record({ segment: id, count: u53, mac: bytesOf(32) }), {
    maxLength: 4,
    selector: ({ segment }) => Buffer.from(segment).toString('hex'),
  })
  .map((links) => links.toSorted((a, b) => Buffer.compare(a.segment, b.segment)));

export const auditBatches: fc.Arbitrary<AuditBatch> = fc.record(
  {
    header: fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }), mac: bytesOf(32) }),
    entries: fc.array(fc.record({ batch: u53, bytes: fc.uint8Array({ maxLength: 80 }), mac: bytesOf(32) }), {
      maxLength: 5,
    }),
  },
  { requiredKeys: ['entries'] },
);

const headsWithout: fc.Arbitrary<Omit<Head, 'ancestors'>> = fc.record(
  {
    lineage: id,
    instance: id,
    parent: fc.record({ instance: id, generation: u53 }),
    generation: u53,
    time,
    identity: bytesOf(32),
    rootNumber: u32,
    state: fc.constantFrom('open', 'restoring', 'closing', 'moved', 'scratch'),
    naming: fc.constantFrom('encrypted', 'plain'),
    suites: fc
      .uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 4 })
      .map((suites) => suites.toSorted((a, b) => a - b)),
    versionFloor: u53,
    history: fc.record({ versions: u32, days: u32 }),
    journal: fc.constantFrom('off', 'on'),
    rotationDays: u32,
    rotation: fc.record({ depth: fc.constantFrom('unlock' as const, 'keys' as const, 'data' as const), id }),
    references: fc
      .tuple(
        fc.record(
          {
            keyring: reference,
            categoryMap: reference,
            policy: reference,
            grants: reference,
            destinations: reference,
          },
          { requiredKeys: [] },
        ),
        fc.oneof(
          fc.record({ checkpoint: reference }, { requiredKeys: [] }),
          fc.record({ formerCheckpoint: reference }),
        ),
      )
      .map(([others, checkpoint]) => ({ ...others, ...checkpoint })),
    slots: slotLists,
    audit: fc.record({
      auditor: bytesOf(32),
      mode: fc.constantFrom('batched' as const, 'fail-closed' as const),
      ends: auditLinks,
    }),
    instances: fc.uniqueArray(id, {
      minLength: 1,
      maxLength: 3,
      selector: (value) => Buffer.from(value).toString('hex'),
    }),
    migration: fc.record({
      instance: id,
      stage: fc.constantFrom('copying' as const, 'announced' as const),
      resealed: fc.boolean(),
      location: fc.uint8Array({ minLength: 1, maxLength: 200 }),
    }),
    extra: ignorable(5),
  },
  {
    requiredKeys: [
      'lineage',
      'instance',
      'parent',
      'generation',
      'time',
      'identity',
      'rootNumber',
      'state',
      'naming',
      'suites',
      'versionFloor',
      'history',
      'journal',
      'rotationDays',
      'references',
      'slots',
    ],
  },
);

const goesBackToItself = ({ instance, instances = [], migration }: Omit<Head, 'ancestors'>): boolean =>
  [...instances, ...(migration === undefined ? [] : [migration.instance])].some(
    (other) => Buffer.compare(other, instance) === 0,
  );

export const heads: fc.Arbitrary<Head> = headsWithout
  .filter((head) => !goesBackToItself(head))
  .chain((head) => {
    const length = Math.min(Math.max(head.generation - 1, 0), MAX_ANCESTORS);
    return fc.array(bytesOf(32), { minLength: length, maxLength: length }).map((ancestors) => ({ ...head, ancestors }));
  });

/** Groups whose versions have the states of `states`, the last being primary unless all are destroyed. */
const keyGroups: fc.Arbitrary<KeyGroup> = fc
  .tuple(
    fc.record({
      id,
      kind: fc.constantFrom('category' as const, 'journal' as const, 'audit' as const, 'backup' as const),
      digestKey: bytesOf(32),
    }),
    fc.array(fc.record({ id: bytesOf(8), suite: u8, created: time, destroyAt: time, key: nonZero(32) }), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.array(fc.constantFrom('enabled' as const, 'disabled' as const, 'destroyed' as const), {
      minLength: 3,
      maxLength: 3,
    }),
    fc.boolean(),
  )
  .map(([group, versions, states, destroyed]) => ({
    ...group,
    versions: versions.map((version, index) => {
      const last = index === versions.length - 1 ? 'primary' : (states[index] ?? 'enabled');
      const state = destroyed ? 'destroyed' : last;
      return state === 'destroyed'
        ? { ...version, state, destroyAt: 0, key: new Uint8Array(32) }
        : { ...version, state };
    }),
  }));

const hexId = (value: { readonly id: Uint8Array }): string => Buffer.from(value.id).toString('hex');

export const keyrings: fc.Arbitrary<Keyring> = fc
  .record(
    {
      rootNumber: u32,
      identitySeed: bytesOf(32),
      nameKey: bytesOf(32),
      groups: fc
        .uniqueArray(keyGroups, { maxLength: 4, selector: hexId })
        .map((groups) => groups.toSorted((a, b) => Buffer.compare(a.id, b.id))),
      extra: ignorable(1),
    },
    { requiredKeys: ['rootNumber', 'identitySeed', 'nameKey', 'groups'] },
  )
  .filter(({ groups }) => {
    const ids = groups.flatMap((group) => group.versions.map(hexId));
    return new Set(ids).size === ids.length;
  });

const boxFields = { lineage: id, instance: id, generation: u53, publicKey: bytesOf(32) };

export const grantBoxes: fc.Arbitrary<GrantBox> = fc
  .tuple(fc.record(boxFields), keyrings)
  .map(([fields, { nameKey, groups }]) => ({
    ...fields,
    nameKey,
    groups: groups.map((group) => ({
      ...group,
      versions: group.versions.map((version) =>
        version.destroyAt > 0 ? { ...version, key: new Uint8Array(32) } : version,
      ),
    })),
  }));

export const grantLists: fc.Arbitrary<Grants> = fc.record({
  grants: fc
    .uniqueArray(fc.record({ publicKey: bytesOf(32), sealed: fc.uint8Array({ minLength: 49, maxLength: 80 }) }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ publicKey }) => Buffer.from(publicKey).toString('hex'),
    })
    .map((grants) => grants.toSorted((a, b) => Buffer.compare(a.publicKey, b.publicKey))),
  directory: fc.uint8Array({ maxLength: 120 }),
});

const idSets = fc
  .uniqueArray(id, { maxLength: 3, selector: (value) => Buffer.from(value).toString('hex') })
  .map((ids) => ids.toSorted((a, b) => Buffer.compare(a, b)));

const grantedGroups = fc.constantFrom<Member['groups'][]>([], ['audit'], ['backup'], ['audit', 'backup']);

const members: fc.Arbitrary<Member> = fc
  .record({
    publicKey: bytesOf(32),
    name: text(12).filter((name) => Buffer.byteLength(name) <= 64),
    added: time,
    categories: idSets,
    groups: grantedGroups,
  })
  .filter(({ categories, groups }) => categories.length + groups.length > 0);

export const memberLists: fc.Arbitrary<Member[]> = fc
  .uniqueArray(members, { minLength: 1, maxLength: 4, selector: ({ name }) => name })
  .map((list) => list.toSorted((a, b) => Buffer.compare(a.publicKey, b.publicKey)))
  .filter((list) => new Set(list.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'))).size === list.length);

export const categoryMaps: fc.Arbitrary<CategoryMap> = fc
  .uniqueArray(fc.record({ id, name: text(8).filter((name) => name !== 'default' && Buffer.byteLength(name) <= 64) }), {
    maxLength: 4,
    selector: ({ name }) => name,
  })
  .filter((named) => new Set(named.map(hexId)).size === named.length)
  .chain((named) => {
    const categories = [{ id: Uint8Array.from({ length: 16 }, () => 170), name: 'default' }, ...named];
    const rules = fc.array(
      fc.record({ pattern: text(20), categoryId: fc.constantFrom(...categories.map((category) => category.id)) }),
      { maxLength: 5 },
    );
    return fc.record({ categories: fc.constant(categories), rules });
  });

const tokens = fc.stringMatching(/^[a-z0-9/._~-]{1,12}$/);

export const checkpointEntries: fc.Arbitrary<CheckpointEntry[]> = fc
  .uniqueArray(
    fc.record({
      token: tokens,
      kind: fc.constantFrom('object' as const, 'tombstone' as const, 'purged' as const),
      version: u53,
      commit: bytesOf(5),
      digest: bytesOf(32),
    }),
    { minLength: 1, maxLength: 4, selector: ({ token }) => token },
  )
  .map((entries) => entries.toSorted((a, b) => (a.token < b.token ? -1 : 1)));

export const checkpointRoots: fc.Arbitrary<CheckpointRoot> = fc
  .record({
    instance: id,
    time,
    floor: u53,
    pages: fc.uniqueArray(
      fc.record({
        firstToken: tokens,
        id: bytesOf(32),
        digest: bytesOf(32),
        count: fc.integer({ min: 1, max: 0xffff_ffff }),
      }),
      { maxLength: 4, selector: ({ firstToken }) => firstToken },
    ),
    split: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ pages, split: [first, second], ...root }) => {
    const count = pages.reduce((sum, page) => sum + page.count, 0);
    const object = Math.floor(count * first);
    const tombstone = Math.floor((count - object) * second);
    return {
      ...root,
      totals: { object, tombstone, purged: count - object - tombstone },
      pages: pages.toSorted((a, b) => (a.firstToken < b.firstToken ? -1 : 1)),
    };
  });

const hintEntry = fc.record({ token: fc.stringMatching(/^[a-z0-9/._~-]{1,40}$/), commitId: id });

export const hints: fc.Arbitrary<Hint> = fc.oneof(
  fc.record({
    kind: fc.constant('hint' as const),
    generation: u53,
    entries: fc.array(hintEntry, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('close' as const), generation: u53, entries: fc.constant([]) }),
);

export const writers: fc.Arbitrary<WriterRegistration> = fc.record({ created: time, floor: u53, ended: fc.boolean() });

const inOrder = <T>(values: T[], idOf: (value: T) => Uint8Array): T[] =>
  values.toSorted((a, b) => Buffer.compare(idOf(a), idOf(b)));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const consumerBasics = {
  label: text(8).filter((label) => Buffer.byteLength(label) <= 64),
  started: time,
  since: u53,
};

export const consumers: fc.Arbitrary<ConsumerState> = fc.oneof(
  fc.record({
    ...consumerBasics,
    expired: fc.constant(true),
    pass: fc.constant('afresh' as const),
    cursors: fc.constant([]),
    pending: fc.constant([]),
  }),
  fc.record({
    ...consumerBasics,
    expired: fc.constant(false),
    pass: fc.constantFrom('none' as const, 'due' as const, 'afresh' as const),
    cursors: fc
      .uniqueArray(fc.record({ writer: id, next: u53, closed: fc.boolean() }), {
        maxLength: 5,
        selector: ({ writer }) => hexOf(writer),
      })
      .map((cursors) => inOrder(cursors, ({ writer }) => writer)),
    pending: fc
      .uniqueArray(fc.record({ written: time, token: hintEntry.map(({ token }) => token), commitId: id }), {
        maxLength: 5,
        selector: ({ commitId }) => hexOf(commitId),
      })
      .map((pending) => inOrder(pending, ({ commitId }) => commitId)),
  }),
);

const auditText = (limit: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: ANY_CHARACTER, maxLength: 20 })
    .filter((value) => value.isWellFormed() && Buffer.byteLength(value) <= limit);

export const auditEntries: fc.Arbitrary<AuditEntry> = fc.record(
  {
    sequence: u53.filter((value) => value > 0),
    time,
    principal: auditText(256),
    action: auditText(64).filter((value) => value !== ''),
    object: fc.oneof(fc.record({ hash: id }), fc.record({ name: auditText(1024).filter((value) => value !== '') })),
    category: auditText(64),
    outcome: fc.constantFrom('allowed' as const, 'denied' as const, 'failed' as const),
    reason: auditText(512),
    requestId: auditText(128),
    duration: u53,
  },
  {
    requiredKeys: ['sequence', 'time', 'principal', 'action', 'category', 'outcome', 'reason', 'requestId', 'duration'],
  },
);

export const auditHeaders: fc.Arbitrary<AuditHeader> = fc.record({
  segment: id,
  instance: id,
  started: time,
  auditor: bytesOf(32),
  sealedKey: bytesOf(80),
  previous: fc
    .uniqueArray(fc.record({ segment: id, count: u53, mac: bytesOf(32) }), {
      maxLength: 3,
      selector: ({ segment }) => hexOf(segment),
    })
    .map((links) => inOrder(links, ({ segment }) => segment)),
  certificate: fc.record({ created: time, publicKey: bytesOf(32), signature: bytesOf(64) }),
});

const files = fc.record({ epoch: u53.filter((epoch) => epoch > 0), digest: bytesOf(32) });

export const backupKeys: fc.Arbitrary<BackupKeys> = fc.record({
  destination: id,
  head: fc.uint8Array({ maxLength: 80 }),
  objects: fc
    .uniqueArray(
      fc.record({ name: fc.stringMatching(/^[a-z0-9/.@~_-]{1,40}$/), body: fc.uint8Array({ maxLength: 60 }) }),
      { maxLength: 4, selector: ({ name }) => name },
    )
    .map((objects) => objects.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
});

const indexedBlobs = fc.record({
  epoch: u53.filter((epoch) => epoch > 0),
  blobId: id,
  partSize: fc.integer({ min: 1, max: 0xffff_ffff }),
  sealedLength: fc.integer({ min: BLOB_PREFIX_LENGTH, max: MAX }),
  digest: bytesOf(32),
});

/** One version or other thing, in a pack of `packs`. */
const indexEntry = (packs: readonly { epoch: number; digest: Uint8Array }[]): fc.Arbitrary<IndexEntry> =>
  fc
    .tuple(
      fc.record({
        token: fc.stringMatching(/^[ab/.~_-]{1,3}$/),
        digest: bytesOf(32),
        pack: fc.constantFrom(...packs),
        slot: u32,
      }),
      fc.oneof(
        fc.record(
          {
            kind: fc.constant('object' as const),
            version: u53,
            commitId: nonZero(16),
            size: u32,
            first: fc.constant(true as const),
            blob: indexedBlobs,
          },
          { requiredKeys: ['kind', 'version', 'commitId', 'size'] },
        ),
        fc.record({
          kind: fc.constantFrom('tombstone' as const, 'purged' as const),
          version: u53,
          commitId: nonZero(16),
          size: fc.constant(TOMBSTONE_LENGTH),
        }),
        fc.record({
          kind: fc.constant('other' as const),
          version: fc.constant(0),
          commitId: fc.constant(new Uint8Array(16)),
          size: u32,
        }),
      ),
    )
    .map(([fixed, kind]) => ({ ...fixed, ...kind }));

export const indexEntries: fc.Arbitrary<IndexEntry[]> = fc
  .uniqueArray(files, { minLength: 1, maxLength: 3, selector: ({ digest }) => hexOf(digest) })
  .chain((packs) => fc.array(indexEntry(packs), { minLength: 1, maxLength: 6 }))
  .map((entries) => entries.toSorted(compareIndexEntries))
  .filter((entries) => entries.every((entry, at) => at === 0 || compareIndexEntries(entries[at - 1] ?? entry, entry)));

export const packItems: fc.Arbitrary<PackItem[]> = fc.array(
  fc.oneof(
    fc.record({
      headerBytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      commitment: bytesOf(32),
      body: fc.uint8Array({ maxLength: 40 }),
    }),
    fc
      .uint8Array({ maxLength: 40 })
      .map((body) => ({ headerBytes: new Uint8Array(), commitment: new Uint8Array(), body })),
  ),
  { minLength: 1, maxLength: 5 },
);

export const packedEnvelopes: fc.Arbitrary<(PackedEnvelope | undefined)[]> = fc.array(
  fc.option(
    fc
      .record({ keyId: bytesOf(8), wrappedKey: bytesOf(48) })
      .filter(({ keyId, wrappedKey }) => keyId.some(Boolean) || wrappedKey.some(Boolean)),
    { nil: undefined },
  ),
  { minLength: 1, maxLength: 5 },
);

const indexPages = (number: number): fc.Arbitrary<IndexPage[]> =>
  fc
    .array(
      fc.record({
        firstToken: tokens,
        epoch: fc.integer({ min: 1, max: number }),
        digest: bytesOf(32),
        count: fc.integer({ min: 1, max: 0xffff_ffff }),
      }),
      { maxLength: 4 },
    )
    .map((pages) => pages.toSorted((a, b) => (a.firstToken < b.firstToken ? -1 : 1)));

/** Ranges below `number` that don't touch. */
const removedBelow = (number: number): fc.Arbitrary<Point['removed']> =>
  fc.uniqueArray(fc.integer({ min: 1, max: number }), { maxLength: 6 }).map((ends) => {
    const sorted = ends.filter((end) => end < number).toSorted((a, b) => a - b);
    const ranges: { from: number; to: number }[] = [];
    for (let at = 0; at + 1 < sorted.length; at += 2) {
      const [from = 0, to = 0] = [sorted[at], sorted[at + 1]];
      if (from >= (ranges.at(-1)?.to ?? -1) + 2) ranges.push({ from, to });
    }
    return ranges;
  });

export const points: fc.Arbitrary<Point> = fc
  .oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: MAX }))
  .chain((number) =>
    fc
      .record({
        number: fc.constant(number),
        previous: number === 1 ? fc.constant(new Uint8Array(32)) : nonZero(32),
        instance: id,
        generation: u53,
        time,
        skew: u32,
        made: time,
        kind: fc.constantFrom('snapshot' as const, 'changes' as const),
        base: fc.integer({ min: 1, max: number }),
        gap: fc.boolean(),
        collects: fc.boolean(),
        label: fc.oneof(fc.constant(''), text(20)),
        history: fc.record({ versions: u32, days: u32 }),
        removed: removedBelow(number),
        totals: fc.record({ objects: fc.nat({ max: 3 }), deleted: fc.nat({ max: 3 }), versions: u53, bytes: u53 }),
        added: fc.record({ versions: u53, bytes: u53 }),
        pages: indexPages(number),
        others: indexPages(number),
      })
      .map((point) => {
        const entries = point.pages.reduce((sum, { count }) => sum + count, 0);
        const isWhole = point.kind === 'snapshot' || point.base === number;
        const versions = isWhole ? entries : Math.max(point.totals.versions, 6);
        const few = versions < 6 ? { objects: 0, deleted: 0 } : {};
        const totals = { ...point.totals, versions, ...few };
        return isWhole ? { ...point, kind: 'snapshot' as const, base: number, totals } : { ...point, totals };
      }),
  );
