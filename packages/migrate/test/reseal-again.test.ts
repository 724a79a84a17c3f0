import { AREAS } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import type { Attacker } from '../../objects/test/support/attacker.ts';
import { failure, openAt } from '../../objects/test/support/stores.ts';
import { contentsOf, move } from './support/moves.ts';
import type { Scene } from './support/scene.ts';
import { damage, sceneWith } from './support/scene.ts';
import { extensionsOf } from '@securestore/objects/internal';

const NEW = rawKey(Buffer.alloc(32, 9));
const OTHER = rawKey(Buffer.alloc(32, 10));

const noRoom = (): Promise<void> => Promise.reject(new Error('no room for a key file'));

const scene = (): Promise<Scene> => sceneWith(100_000, { categories: { team: ['team/**'] } });

async function damageOnly(attacker: Attacker, area: string): Promise<void> {
  const [name = ''] = await attacker.names(area);
  await damage(attacker, name);
}

it('a store that is being sealed anew is not gone on with as another one', async () => {
  const { clock, from, to, store } = await scene();
  const reencrypt = { unlock: NEW, suite: 2, names: 'plain' } as const;
  expect(await move(from, to, { clock, reencrypt, copyOnly: true })).toMatchObject({ migrated: false, failures: 0 });
  const others = [
    [{ suite: 1 }, 'suite 2'],
    [{ names: 'encrypted' }, 'plain names'],
    [{ categories: { other: ['other/**'] } }, 'other categories'],
    [{ history: { versions: 3 } }, 'a history of 10 versions'],
    [{ rotation: { days: 9 } }, 'a rotation every 0 days'],
  ] as const;
  for (const [settings, what] of others) {
    const error = await failure(move(from, to, { clock, reencrypt: { ...reencrypt, ...settings } }), 'LOCKED');
    expect(error.message).toContain(what);
    expect(error.advice?.map(({ id }) => id)).toEqual(['resume-migration', 'cancel-migration']);
  }
  const wrong = await failure(move(from, to, { clock, reencrypt: { ...reencrypt, unlock: OTHER } }), 'UNLOCK_FAILED');
  expect(wrong.advice).toEqual([{ id: 'check-unlock-secret' }]);
  expect((await store.retrieve('small')).text()).toBe('value');

  // What is not given is as it was begun.
  const categories = { team: ['team/**'] };
  expect(await move(from, to, { clock, reencrypt: { unlock: NEW, categories } })).toMatchObject({ migrated: true });
  expect((await (await openAt(to, { clock, unlock: NEW })).retrieve('small')).text()).toBe('value');
});

it('a store that was sealed anew is said to be there only to whoever has its secret', async () => {
  const { clock, from, to } = await scene();
  let made = 0;
  const beforeCreate = async (): Promise<void> => void (made += 1);
  const reencrypt = { unlock: NEW, beforeCreate: beforeCreate };
  expect(await move(from, to, { clock, reencrypt })).toMatchObject({ migrated: true });
  expect(made).toBe(1);
  const before = await contentsOf(to);
  const error = await failure(move(from, to, { clock, reencrypt: { unlock: OTHER, beforeCreate } }), 'UNLOCK_FAILED');
  expect(error.message).toContain('Nothing was changed.');
  expect(await move(from, to, { clock, reencrypt })).toMatchObject({ migrated: true, pause: 0 });
  expect(made).toBe(1);
  expect(await contentsOf(to)).toEqual(before);
});

it('nothing is begun where the new secret can not be had', async () => {
  const { clock, from, to, store, atTo } = await scene();
  await expect(move(from, to, { clock, reencrypt: { unlock: NEW, beforeCreate: noRoom } })).rejects.toThrow();
  expect(await atTo.names()).toEqual([]);
  expect(extensionsOf(store).migration.movesTo).toBeUndefined();
});

it('a payload that is damaged in the store keeps it where it is, and is called damaged', async () => {
  const { clock, from, to, atFrom } = await scene();
  await damageOnly(atFrom, AREAS.blobs);
  const report = await move(from, to, { clock, reencrypt: { unlock: NEW } });
  expect(report).toMatchObject({ migrated: false, failures: 1, failed: [{ code: 'INTEGRITY' }] });
  expect(report.failed[0]?.message).toContain('does not decrypt');
});

it('a payload that is damaged where the store is sealed anew is found when a run goes on', async () => {
  const { clock, from, to, atTo } = await scene();
  const reencrypt = { unlock: NEW };
  expect(await move(from, to, { clock, reencrypt, copyOnly: true })).toMatchObject({ failures: 0 });
  await damageOnly(atTo, AREAS.blobs);
  const report = await move(from, to, { clock, reencrypt });
  expect(report).toMatchObject({ migrated: false, failures: 1, failed: [{ code: 'INTEGRITY' }] });
  expect(report.failed[0]?.message).toContain(`(at ${to.url})`);
});

it('the bytes of payloads count', async () => {
  const { clock, from, to } = await scene();
  const { bytes } = await move(from, to, { clock, reencrypt: { unlock: NEW } });
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThan(110_000);
});
