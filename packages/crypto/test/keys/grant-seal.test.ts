import type { Grant, GrantedKeys, KeyGroup } from '@securestore/core-format';
import { encodeGrantBox } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { loadGranted, openGrant, sealGrant, sealTo } from '../../src/index.ts';
import type { GrantPlace } from '../../src/index.ts';
import { slotKeyPair } from '../../src/unlock/slot-key-pair.ts';
import { bytesFrom, flipped } from '../support/fixtures.ts';

const PLACE: GrantPlace = { lineage: bytesFrom('lineage', 16), instance: bytesFrom('instance', 16), generation: 7 };
const [ANN, BOB] = [slotKeyPair(bytesFrom('ann', 32)), slotKeyPair(bytesFrom('bob', 32))];
const DAMAGED = expect.objectContaining({ code: 'INTEGRITY' });

function group(seed: string, kind: KeyGroup['kind'], destroyAt = 0): KeyGroup {
  const version = { suite: 1, state: 'primary' as const, created: 1, destroyAt };
  return {
    id: bytesFrom(seed, 16),
    kind,
    digestKey: bytesFrom(`${seed} digest`, 32),
    versions: [{ ...version, id: bytesFrom(`${seed} version`, 8), key: bytesFrom(`${seed} key`, 32) }],
  };
}

const keys = (...groups: KeyGroup[]): GrantedKeys => ({
  nameKey: bytesFrom('names', 32),
  groups: [...groups, group('journal', 'journal')].toSorted((a, b) => Buffer.compare(a.id, b.id)),
});

const granted = (): GrantedKeys => keys(group('red', 'category'));

describe('a grant', () => {
  it('opens to the member it was sealed to, and to nobody else', async () => {
    const grants = [await sealGrant(ANN.publicKey, PLACE, granted())];
    const opened = await openGrant(ANN.privateKey, grants, PLACE);
    expect(opened?.granted).toMatchObject(granted());
    expect(opened?.id).toEqual(ANN.publicKey);
    expect(await openGrant(BOB.privateKey, grants, PLACE)).toBeUndefined();
  });

  it('[I-04] is refused at another place, and in the box of another member', async () => {
    const own = await sealGrant(ANN.publicKey, PLACE, granted());
    for (const part of ['lineage', 'instance', 'generation'] as const) {
      const elsewhere = { ...PLACE, [part]: part === 'generation' ? 8 : bytesFrom('other', 16) };
      await expect(openGrant(ANN.privateKey, [own], elsewhere)).rejects.toEqual(DAMAGED);
    }
    const bobs = encodeGrantBox({ ...PLACE, publicKey: BOB.publicKey, ...granted() });
    const moved: Grant = { publicKey: ANN.publicKey, sealed: await sealTo(ANN.publicKey, bobs) };
    await expect(openGrant(ANN.privateKey, [moved], PLACE)).rejects.toEqual(DAMAGED);
  });

  it('is refused where any byte of its box is another one', async () => {
    const { publicKey, sealed } = await sealGrant(ANN.publicKey, PLACE, granted());
    for (let at = 0; at < sealed.length; at += 13) {
      const changed = [{ publicKey, sealed: flipped(sealed, at) }];
      await expect(openGrant(ANN.privateKey, changed, PLACE)).rejects.toEqual(DAMAGED);
    }
  });

  it('[I-05] has no key of a version that is to be destroyed', async () => {
    const sealed = await sealGrant(ANN.publicKey, PLACE, keys(group('red', 'category', 5)));
    const opened = await openGrant(ANN.privateKey, [sealed], PLACE);
    const red = opened?.granted.groups.find(({ kind }) => kind === 'category');
    expect(red?.versions[0]?.key).toEqual(Buffer.alloc(32));
    const set = loadGranted(opened?.granted ?? granted());
    expect(() => set.category(bytesFrom('red', 16))).toThrow(expect.objectContaining({ code: 'KEY_DESTROYED' }));
  });

  it('leaves the keys that it was made of to the caller, and wipes the ones that it is loaded from', async () => {
    const before = granted();
    const grants = [await sealGrant(ANN.publicKey, PLACE, before)];
    expect(before).toEqual(granted());
    const opened = await openGrant(ANN.privateKey, grants, PLACE);
    const { nameKey, groups } = opened?.granted ?? granted();
    loadGranted({ nameKey, groups });
    for (const key of [
      nameKey,
      ...groups.flatMap(({ digestKey, versions }) => [digestKey, ...versions.map((version) => version.key)]),
    ]) {
      expect(key).toEqual(Buffer.alloc(32));
    }
  });

  it('goes on opening later grants without the private key that was given, until it is wiped', async () => {
    const privateKey = Buffer.from(ANN.privateKey);
    const opened = await openGrant(privateKey, [await sealGrant(ANN.publicKey, PLACE, granted())], PLACE);
    privateKey.fill(0);
    const later = { ...PLACE, generation: 8 };
    const grants = [await sealGrant(ANN.publicKey, later, granted())];
    const followed = await opened?.follow(grants, later);
    expect(followed?.granted).toMatchObject(granted());
    expect(await opened?.follow([await sealGrant(BOB.publicKey, later, granted())], later)).toBeUndefined();
    opened?.wipe();
    await expect(followed?.follow(grants, later)).rejects.toEqual(DAMAGED);
  });

  it('is made for no public key that anybody could open it by', async () => {
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    await expect(sealGrant(Buffer.alloc(32), PLACE, granted())).rejects.toEqual(refused);
  });
});

describe('the keys of a grant', () => {
  const set = loadGranted(granted());

  it('have nothing of the root', () => {
    expect(set.owner).toBeUndefined();
  });

  it('refuse what was not granted, and say so', () => {
    const denied = expect.objectContaining({ code: 'ACCESS_DENIED' });
    const [red, blue] = [bytesFrom('red', 16), bytesFrom('blue', 16)];
    expect(set.category(red).primary.id).toEqual(bytesFrom('red version', 8));
    expect([set.has(red), set.has(blue)]).toEqual([true, false]);
    expect(() => set.category(blue)).toThrow(denied);
    expect(() => set.version(bytesFrom('red version', 8), blue)).toThrow(denied);
    expect(() => set.version(bytesFrom('blue version', 8), blue)).toThrow(denied);
    expect(() => set.version(bytesFrom('blue version', 8), red)).toThrow(DAMAGED);
    // The journal seals no records.
    expect(() => set.version(bytesFrom('journal version', 8), red)).toThrow(DAMAGED);
    expect(set.journal.version(bytesFrom('journal version', 8))?.state).toBe('primary');
  });

  it('[I-06] are refused without those of the journal', () => {
    const { nameKey, groups } = granted();
    const without = groups.filter(({ kind }) => kind !== 'journal');
    expect(() => loadGranted({ nameKey, groups: without })).toThrow(DAMAGED);
  });
});
