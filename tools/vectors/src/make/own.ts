import {
  checkpointName,
  checkpointPageName,
  COLLECTED_NAME,
  encodeBase32,
  encodeCategoryMap,
  encodeCheckpointPage,
  encodeCheckpointRoot,
  encodeConsumer,
  encodeHint,
  encodeKeyring,
  encodeMarker,
  encodeSystemHeader,
  encodeWriter,
  generationOf,
  hintName,
  joinCheckpointRoot,
  keyringName,
  parseStoreKey,
  policyName,
  splitRecord,
  systemContext,
  workName,
} from '../../../../packages/core-format/src/index.ts';
import type { CheckpointEntry, KeyGroup, Purpose, Reference } from '../../../../packages/core-format/src/index.ts';
import { identityPrivateKey, recordDigest, signAs } from '../../../../packages/crypto/src/index.ts';
import { GENERATION, ITEMS, ROOT_NUMBER, TIME } from './base.ts';
import { bytesFrom, derive, sha256, u53 } from './bytes.ts';
import type { Workplace } from './objects.ts';
import { sealSystem } from './sealing.ts';

/** Seals an object of the store's own and lays it at its place. */
function putOwn(
  place: Workplace,
  what: string,
  name: string,
  purpose: Purpose,
  plain: Buffer,
  salt?: Buffer,
): Reference {
  const { base, keys, stage, put } = place;
  const pinnedAlone = purpose === 'keyring' || purpose === 'categoryMap';
  const { journal } = keys.versions;
  const keyId = pinnedAlone ? Buffer.alloc(8) : journal.subarray(0, 8);
  const purposeKey =
    purpose === 'keyring'
      ? derive(keys.root, 'keyring')
      : purpose === 'categoryMap'
        ? derive(keys.nameKey, 'category map')
        : journal.subarray(8);
  const random = salt ?? bytesFrom(`${base.name} salt of ${what}`, 32);
  const header = stage(`header of ${what}`, encodeSystemHeader(base.suite, purpose, random, keyId));
  const context = stage(`context of ${what}`, systemContext(keys.instance, generationOf(name) ?? 0, name));
  const content = stage(`plaintext of ${name}`, stage(what, plain));
  const sealed = sealSystem(base.suite, purposeKey, header, context, content);
  const body = stage(`sealed ${what}`, sealed);
  put(name, body);
  return { name, digest: sha256(body) };
}

const random = ({ base }: Pick<Workplace, 'base'>, what: string): Buffer => bytesFrom(`${base.name} ${what}`, 16);

const versionOf = (bytes: Buffer, suite: number, state: 'primary' | 'enabled'): KeyGroup['versions'][number] => ({
  id: bytes.subarray(0, 8),
  suite,
  state,
  created: TIME,
  destroyAt: 0,
  key: bytes.subarray(8),
});

function groups({ base, keys }: Workplace): KeyGroup[] {
  const digestKey = (what: string): Buffer => bytesFrom(`${base.name} digest ${what}`, 32);
  const { versions, categories } = keys;
  const made: KeyGroup[] = [
    {
      id: categories.default,
      kind: 'category',
      digestKey: digestKey('default'),
      versions: [
        versionOf(versions.former, base.formerSuite, 'enabled'),
        versionOf(versions.default, base.suite, 'primary'),
      ],
    },
    {
      id: categories.secrets,
      kind: 'category',
      digestKey: digestKey('secrets'),
      versions: [versionOf(versions.secrets, base.suite, 'primary')],
    },
    {
      id: random({ base }, 'journal group'),
      kind: 'journal',
      digestKey: digestKey('journal'),
      versions: [versionOf(versions.journal, base.suite, 'primary')],
    },
  ];
  return made.toSorted((a, b) => Buffer.compare(a.id, b.id));
}

export function putKeyring(place: Workplace): Reference {
  const { identitySeed, nameKey } = place.keys;
  const plain = encodeKeyring({ rootNumber: ROOT_NUMBER, identitySeed, nameKey, groups: groups(place) });
  return putOwn(place, 'keyring', keyringName(GENERATION, random(place, 'name of the keyring')), 'keyring', plain);
}

export function putCategoryMap(place: Workplace): Reference {
  const { categories } = place.keys;
  const plain = encodeCategoryMap({
    categories: [
      { id: categories.default, name: 'default' },
      { id: categories.secrets, name: 'secrets' },
    ],
    rules: [{ pattern: 'secrets/**', categoryId: categories.secrets }],
  });
  const name = policyName(GENERATION, random(place, 'name of the category map'));
  return putOwn(place, 'category map', name, 'categoryMap', plain);
}

function entriesOf({ names }: Workplace, objects: ReadonlyMap<string, Buffer>): CheckpointEntry[] {
  const current = ITEMS.filter(({ past }) => past !== true).map(({ key }) => names.locate(parseStoreKey(key)).token);
  return current.toSorted().map((token) => {
    const record = splitRecord(objects.get(`o/${token}`) ?? Buffer.alloc(0));
    const { kind, previousCommitId, version, commitId } = record.header;
    const deleted = previousCommitId.every((byte) => byte === 0) ? 'purged' : 'tombstone';
    return {
      token,
      kind: kind === 'object' ? 'object' : deleted,
      version,
      commit: commitId.subarray(0, 5),
      digest: recordDigest(record),
    };
  });
}

/** Root and page of a checkpoint over the objects of a base without a fault. */
export function putCheckpoint(place: Workplace, objects: ReadonlyMap<string, Buffer>): Reference {
  const { keys, stage } = place;
  const entries = entriesOf(place, objects);
  const page = encodeCheckpointPage(entries);
  const id = derive(keys.versions.journal.subarray(8), 'checkpoint page', page);
  const reference = putOwn(place, 'page', checkpointPageName(id), 'checkpointPage', page, id);
  const count = (kind: CheckpointEntry['kind']): number => entries.filter((entry) => entry.kind === kind).length;
  const signed = encodeCheckpointRoot({
    instance: keys.instance,
    time: TIME,
    floor: GENERATION,
    totals: { object: count('object'), tombstone: count('tombstone'), purged: count('purged') },
    pages: [{ firstToken: entries[0]?.token ?? '', id, digest: reference.digest, count: entries.length }],
  });
  const root = stage('checkpoint before its signature', signed);
  const signature = signAs(identityPrivateKey(keys.identitySeed), 'checkpoint', root);
  const name = checkpointName(GENERATION, random(place, 'name of the checkpoint'));
  return putOwn(place, 'checkpoint', name, 'checkpoint', joinCheckpointRoot(root, signature));
}

/** Where the journal, the markers and the work of a base lie. */
export function ownNames(
  place: Pick<Workplace, 'base' | 'names'>,
): Record<'hint' | 'writer' | 'consumer' | 'job' | 'marker', string> {
  const id = (what: string): Buffer => random(place, what);
  const { token } = place.names.locate(parseStoreKey('big'));
  return {
    hint: hintName(id('writer'), 0),
    writer: workName('writer', id('writer')),
    consumer: workName('consumer', id('consumer')),
    job: COLLECTED_NAME,
    marker: `g/${token}./@${encodeBase32(bytesFrom(`${place.base.name} blob big`, 16))}`,
  };
}

export function putJournal(place: Workplace): void {
  const names = ownNames(place);
  const { token } = place.names.locate(parseStoreKey('db/pw'));
  const entries = [{ token, commitId: random(place, 'commit of a hint') }];
  const cursors = [{ writer: random(place, 'writer'), next: 1, closed: false }];
  const pending = entries.map((entry) => ({ ...entry, written: TIME }));
  const state = { label: 'mirror', started: TIME, since: 2, expired: false, pass: 'none', cursors, pending } as const;
  putOwn(place, 'hint', names.hint, 'hint', encodeHint({ kind: 'hint', generation: GENERATION, entries }));
  putOwn(place, 'writer', names.writer, 'writer', encodeWriter({ created: TIME, floor: 0, ended: false }));
  putOwn(place, 'consumer', names.consumer, 'consumer', encodeConsumer(state));
  putOwn(place, 'last collection', names.job, 'job', Buffer.concat([Buffer.from([1]), u53(TIME)]));
  putOwn(place, 'marker', names.marker, 'marker', encodeMarker('deleting'));
}
