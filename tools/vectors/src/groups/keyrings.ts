import { decodeKeyring, encodeKeyring } from '../../../../packages/core-format/src/index.ts';
import type { KeyGroup, Keyring, KeyVersion } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { keysOf } from '../make/base.ts';
import type { Change } from '../make/bytes.ts';
import { append, bytesFrom, drop, flip, set, u16, u32 } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN, retrieve } from '../make/cases.ts';
import { sealedKeyring } from './keyring-bytes.ts';

const test = caseOf(OPEN);
const PLAIN = 'keyring';

const rewrite =
  (change: (ring: Keyring) => Keyring): Change =>
  (plain) =>
    encodeKeyring(change(decodeKeyring(plain)));

/** The keyring with one key version changed. */
function version(id: Buffer, changes: Partial<KeyVersion>): Change {
  const changed = (group: KeyGroup): KeyGroup => ({
    ...group,
    versions: group.versions.map((own) => (id.equals(own.id) ? { ...own, ...changes } : own)),
  });
  return rewrite((ring) => ({ ...ring, groups: ring.groups.map(changed) }));
}

const group = (change: (groups: readonly KeyGroup[]) => readonly KeyGroup[]): Change =>
  rewrite((ring) => ({ ...ring, groups: change(ring.groups) }));

const DESTROYED = { state: 'destroyed', destroyAt: 0, key: Buffer.alloc(32) } as const;

const area =
  (fields: Uint8Array): Change =>
  (bytes) =>
    Buffer.concat([bytes.subarray(0, -2), u16(fields.length), fields]);

function contents(base: Base): Case[] {
  const { versions, categories } = keysOf(base);
  const [former, secrets, journal] = [versions.former, versions.secrets, versions.journal].map((bytes) =>
    bytes.subarray(0, 8),
  );
  if (former === undefined || secrets === undefined || journal === undefined) throw new Error('no key versions');
  return [
    test('root number', 'The keyring is that of another root key than the head.', PLAIN, set(0, u32(1)), 'INTEGRITY', {
      rule: 'K-05',
    }),
    test('identity', 'The keyring is that of another identity than the head.', PLAIN, flip(4), 'INTEGRITY', {
      rule: 'K-05',
    }),
    test(
      'groups out of order',
      'The groups are in descending order of their ids.',
      PLAIN,
      group((groups) => groups.toReversed()),
      'INTEGRITY',
      { rule: 'K-01' },
    ),
    test(
      'groups twice',
      'Two groups have one id.',
      PLAIN,
      group((groups) => [...groups.slice(0, 1), ...groups]),
      'INTEGRITY',
      { rule: 'K-01' },
    ),
    test('kind of a group', 'The kind of a group is 5.', PLAIN, set(86, 5), 'INTEGRITY', { rule: 'K-02' }),
    test(
      'no journal',
      'There is no group of the journal.',
      PLAIN,
      group((groups) => groups.filter(({ kind }) => kind !== 'journal')),
      'INTEGRITY',
      { rule: 'K-07' },
    ),
    test(
      'two journals',
      'There are two groups of the journal.',
      PLAIN,
      group((groups) => [...groups, twin(groups)]),
      'INTEGRITY',
      { rule: 'K-07' },
    ),
    test(
      'no primary version',
      'A group has no primary version.',
      PLAIN,
      version(secrets, { state: 'enabled' }),
      'INTEGRITY',
      { rule: 'K-03' },
    ),
    test(
      'two primary versions',
      'A group has two primary versions.',
      PLAIN,
      version(former, { state: 'primary' }),
      'INTEGRITY',
      { rule: 'K-03' },
    ),
    test(
      'no versions',
      'A group has no versions.',
      PLAIN,
      group((groups) => groups.map((own) => (categories.secrets.equals(own.id) ? { ...own, versions: [] } : own))),
      'INTEGRITY',
      { rule: 'K-03' },
    ),
    test(
      'one id for two versions',
      'Two key versions have one id.',
      PLAIN,
      version(secrets, { id: former }),
      'INTEGRITY',
      { rule: 'K-04' },
    ),
    test(
      'state of a version',
      'The state of a key version is 5.',
      PLAIN,
      (bytes) => set(bytes.indexOf(former) + 9, 5)(bytes, new Map()),
      'INTEGRITY',
      { rule: 'K-02' },
    ),
    test(
      'a destroyed version with a key',
      'A destroyed key version has a key.',
      PLAIN,
      version(former, { state: 'destroyed' }),
      'INTEGRITY',
      { rule: 'K-02' },
    ),
    test(
      'a version without a key',
      'An enabled key version has a key of zeros.',
      PLAIN,
      version(former, { key: Buffer.alloc(32) }),
      'INTEGRITY',
      { rule: 'K-02' },
    ),
    test(
      'a destroyed version to be destroyed',
      'A destroyed key version is still to be destroyed.',
      PLAIN,
      version(former, { ...DESTROYED, destroyAt: 1 }),
      'INTEGRITY',
      { rule: 'K-06' },
    ),
    test(
      'suite not accepted',
      'A key version is of a suite that the head does not accept.',
      PLAIN,
      version(former, { suite: 9 }),
      'INTEGRITY',
      { rule: 'K-09' },
    ),
    test(
      'suite of a destroyed version',
      'A destroyed key version may be of any suite.',
      PLAIN,
      version(former, { ...DESTROYED, suite: 9 }),
      'ok',
      { rule: 'K-09' },
    ),
    test(
      'an unknown field',
      'An unknown field that is not critical is ignored.',
      PLAIN,
      area(Buffer.from([9, 0, 0, 0])),
      'ok',
      { rule: 'G-06' },
    ),
    test(
      'an unknown critical field',
      'An unknown critical field.',
      PLAIN,
      area(Buffer.from([9, 1, 0, 0])),
      'FORMAT_VERSION',
      { rule: 'G-06' },
    ),
    test('longer', 'A byte follows the keyring.', PLAIN, append(Buffer.alloc(1)), 'INTEGRITY', { rule: 'G-03' }),
    test('cut', 'The last byte of the keyring is missing.', PLAIN, drop(-1, 1), 'INTEGRITY', { rule: 'G-03' }),
    test('empty', 'The keyring is empty.', PLAIN, () => Buffer.alloc(0), 'INTEGRITY', { rule: 'G-03' }),
    caseOf(retrieve('former'))(
      'a disabled version',
      'The key version of a current record is disabled.',
      PLAIN,
      version(former, { state: 'disabled' }),
      'INTEGRITY',
      { rule: 'R-07' },
    ),
    caseOf(retrieve('former'))(
      'a version to be destroyed',
      'The key version of a record is to be destroyed.',
      PLAIN,
      version(former, { destroyAt: 8_000_000_000_000_000 }),
      'KEY_DESTROYED',
      { rule: 'K-08' },
    ),
    caseOf(retrieve('former'))(
      'a destroyed version',
      'The key version of a record is destroyed.',
      PLAIN,
      version(former, DESTROYED),
      'KEY_DESTROYED',
      { rule: 'R-07' },
    ),
    caseOf(retrieve('secrets/api'))(
      'a destroyed category',
      'All keys of a category are destroyed.',
      PLAIN,
      version(secrets, DESTROYED),
      'KEY_DESTROYED',
      { rule: 'R-07' },
    ),
    caseOf(retrieve('db/pw'))(
      'a destroyed version of others',
      'What is sealed under other key versions is as it was.',
      PLAIN,
      version(former, DESTROYED),
      'ok',
      { rule: 'R-07' },
    ),
  ];
}

/** Another group of the journal, after all others. */
function twin(groups: readonly KeyGroup[]): KeyGroup {
  const journal = groups.find(({ kind }) => kind === 'journal');
  if (journal === undefined) throw new Error('no journal');
  const versions = journal.versions.map((own) => ({ ...own, id: bytesFrom('twin', 8) }));
  return { ...journal, id: Buffer.alloc(16, 0xff), versions };
}

export function keyrings(base: Base): Case[] {
  if (base.name === 'suite-1') return [...contents(base), ...sealedKeyring(base)];
  if (base.name === 'suite-2')
    return [...contents(base).filter(({ action }) => action.do === 'retrieve'), ...sealedKeyring(base)];
  return [];
}
