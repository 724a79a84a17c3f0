import { createHmac, createSecretKey } from 'node:crypto';
import type { KeyGroup, Keyring, KeyState } from '@securestore/core-format';
import { decodeKeyring, encodeKeyring } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { identityPrivateKey, identityPublicKey, keyringKey, loadKeyring, wipeKeyring } from '../../src/index.ts';
import { bytesFrom } from '../support/fixtures.ts';

const INPUT = bytesFrom('input', 32);

const group = (seed: string, states: readonly KeyState[], kind: KeyGroup['kind'] = 'category'): KeyGroup => ({
  id: bytesFrom(seed, 16),
  kind,
  digestKey: bytesFrom(`${seed} digest`, 32),
  versions: states.map((state, index) => ({
    id: bytesFrom(`${seed} ${index}`, 8),
    suite: 1,
    state,
    created: index,
    destroyAt: 0,
    key: state === 'destroyed' ? Buffer.alloc(32) : bytesFrom(`${seed} key ${index}`, 32),
  })),
});

const keyring = (...groups: KeyGroup[]): Keyring => ({
  rootNumber: 3,
  identitySeed: bytesFrom('identity', 32),
  nameKey: bytesFrom('names', 32),
  groups: [...groups, group('journal', ['primary'], 'journal')].toSorted((a, b) => Buffer.compare(a.id, b.id)),
});

const version = (seed: string, index: number): Buffer => bytesFrom(`${seed} ${index}`, 8);

const failsWith = (code: string): unknown => expect.objectContaining({ code });

describe('a key set', () => {
  const states = ['destroyed', 'disabled', 'enabled', 'primary'] as const;
  const keys = loadKeyring(
    keyring(group('a', states), group('b', ['primary']), group('gone', ['destroyed', 'destroyed'])),
  );

  it('seals under the primary version of a category', () => {
    const { primary } = keys.category(bytesFrom('a', 16));
    expect(primary.state).toBe('primary');
    expect(primary.id).toEqual(version('a', 3));
    expect(primary.label).toBe(version('a', 3).toString('hex'));
    expect(primary.secret.bytes(INPUT)).toEqual(createHmac('sha256', bytesFrom('a key 3', 32)).update(INPUT).digest());
  });

  it('finds versions in every state but destroyed, and says which', () => {
    for (const [index, state] of states.entries()) {
      if (state === 'destroyed') continue;
      expect(keys.version(version('a', index), bytesFrom('a', 16)).state).toBe(state);
    }
    expect(() => keys.version(version('a', 0), bytesFrom('a', 16))).toThrow(failsWith('KEY_DESTROYED'));
  });

  it('[R-07] refuses a version of another category, and one that nobody has', () => {
    expect(() => keys.version(version('b', 0), bytesFrom('a', 16))).toThrow(failsWith('INTEGRITY'));
    expect(() => keys.version(bytesFrom('nobody', 8), bytesFrom('a', 16))).toThrow(failsWith('INTEGRITY'));
    // Also where it has been destroyed: it was none of this category's.
    expect(() => keys.version(version('gone', 0), bytesFrom('a', 16))).toThrow(failsWith('INTEGRITY'));
    expect(() => keys.version(version('gone', 0), bytesFrom('gone', 16))).toThrow(failsWith('KEY_DESTROYED'));
  });

  it('[K-07] needs exactly one journal key', () => {
    const failure = failsWith('INTEGRITY');
    const base = keyring(group('a', ['primary']));
    const journal = base.groups.filter(({ kind }) => kind === 'journal');
    expect(loadKeyring(keyring(group('a', ['enabled', 'primary']))).journal.primary.state).toBe('primary');
    expect(() => loadKeyring({ ...keyring(), groups: [] })).toThrow(failure);
    expect(() => loadKeyring(keyring(group('another', ['primary'], 'journal')))).toThrow(failure);
    expect(journal).toHaveLength(1);
  });

  it('[P-21] has the keys of backups where there are some, and opens with all of them that are not destroyed', () => {
    expect(loadKeyring(keyring(group('a', ['primary']))).backup).toBeUndefined();
    const { backup } = loadKeyring(keyring(group('a', ['primary']), group('backups', states, 'backup')));
    expect(backup?.primary.id).toEqual(version('backups', 3));
    const found = states.map((_, index) => backup?.version(version('backups', index))?.state);
    expect(found).toEqual([undefined, 'disabled', 'enabled', 'primary']);
    expect(backup?.version(version('a', 0))).toBeUndefined();
    const failure = failsWith('INTEGRITY');
    const [one, other] = [group('one', ['primary'], 'backup'), group('other', ['primary'], 'backup')];
    expect(() => loadKeyring(keyring(one, other))).toThrow(failure);
    expect(() => loadKeyring(keyring(group('none', ['destroyed'], 'backup')))).toThrow(failure);
  });

  it('[K-08] opens and seals nothing with what is to be destroyed', () => {
    const doomed = group('doomed', ['enabled', 'primary']);
    const old = { ...doomed, versions: doomed.versions.map((v, i) => (i === 0 ? { ...v, destroyAt: 5000 } : v)) };
    const found = loadKeyring(keyring(old));
    expect(() => found.version(version('doomed', 0), bytesFrom('doomed', 16))).toThrow(failsWith('KEY_DESTROYED'));
    expect(found.category(bytesFrom('doomed', 16)).primary.id).toEqual(version('doomed', 1));
    const whole = group('doomed', ['enabled', 'primary']);
    const all = { ...whole, versions: whole.versions.map((v) => ({ ...v, destroyAt: 5000 })) };
    expect(() => loadKeyring(keyring(all)).category(bytesFrom('doomed', 16))).toThrow(/1970-01-01T00:00:05/);
  });

  it('tells a destroyed category from an unknown one', () => {
    expect(() => keys.category(bytesFrom('gone', 16))).toThrow(failsWith('KEY_DESTROYED'));
    expect(() => keys.category(bytesFrom('unknown', 16))).toThrow(failsWith('INTEGRITY'));
  });

  it('opens no records under keys that are not of a category', () => {
    const others = loadKeyring(keyring(group('a', ['primary']), group('au', ['primary'], 'audit')));
    for (const other of ['journal', 'au']) {
      expect(() => others.category(bytesFrom(other, 16))).toThrow(failsWith('INTEGRITY'));
      expect(() => others.version(version(other, 0), bytesFrom(other, 16))).toThrow(failsWith('INTEGRITY'));
    }
  });

  it('has the identity of its seed', () => {
    const expected = identityPublicKey(identityPrivateKey(bytesFrom('identity', 32)));
    expect(identityPublicKey(keys.owner.identity)).toEqual(expected);
    expect(keys.owner.rootNumber).toBe(3);
  });

  it('derives each of its keys for one use', () => {
    const root = createSecretKey(bytesFrom('names', 32));
    const derived = [keys.names.encryption, keys.categoryMap, keyringKey(root), root];
    const tags = derived.map((key) => createHmac('sha256', key).update(INPUT).digest('binary'));
    expect(new Set([keys.names.mac.tag(INPUT), ...tags]).size).toBe(derived.length + 1);
  });
});

describe('loading a keyring', () => {
  it('wipes every key in it', () => {
    const loaded = decodeKeyring(encodeKeyring(keyring(group('a', ['enabled', 'primary']), group('b', ['primary']))));
    loadKeyring(loaded);
    const left = [loaded.identitySeed, loaded.nameKey];
    for (const { digestKey, versions } of loaded.groups) left.push(digestKey, ...versions.map(({ key }) => key));
    expect(left).toHaveLength(9);
    for (const key of left) expect(Buffer.from(key)).toEqual(Buffer.alloc(32));
  });

  it('refuses one that was wiped', () => {
    const wiped = keyring(group('a', ['primary']));
    wipeKeyring(wiped);
    expect(() => loadKeyring(wiped)).toThrow(failsWith('INTERNAL'));
  });
});
