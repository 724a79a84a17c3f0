import { decodeHead, HEAD_NAME } from '@securestore/core-format';
import { generateRecoveryCode, generateShares, rawKey, recoveryCode, shares } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

async function ways(): Promise<{ code: Buffer; made: readonly Buffer[] }> {
  return { code: generateRecoveryCode(), made: await generateShares({ threshold: 2, count: 3 }) };
}

describe('a store with a recovery code and shares', () => {
  it('is opened by either, by any two shares, and by no others', async () => {
    const place = usePlace(() => memoryPlace());
    const { code, made } = await ways();
    const store = await createAt(place);
    await store.store('k', 'v');
    expect(await store.slots.add(recoveryCode(code))).toMatchObject({ method: 'recoveryCode', current: false });
    expect(await store.slots.add(shares(made))).toMatchObject({ method: 'shares' });
    for (const unlock of [recoveryCode(code), shares(made.slice(1)), shares([...made].toReversed())]) {
      const opened = await openAt(place, { unlock });
      expect((await opened.retrieve('k')).text()).toBe('v');
      await opened.close();
    }
    const strangers = await ways();
    const wrong = await failure(openAt(place, { unlock: recoveryCode(strangers.code) }), 'UNLOCK_FAILED');
    expect(wrong.message).toContain('the recovery code does not unlock the store');
    await failure(openAt(place, { unlock: shares(strangers.made) }), 'UNLOCK_FAILED');
    const few = await failure(openAt(place, { unlock: shares(made.slice(2)) }), 'INVALID_ARGUMENT');
    expect(few.message).toContain('2 of the 3 shares are needed');
  });

  it('goes on being opened by both when the root key was renewed for another secret', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const { code, made } = await ways();
    const store = await createAt(place, { clock, unlock: recoveryCode(code) });
    await store.slots.add(shares(made));
    await store.slots.add(UNLOCK);
    await store.rotateEncryptionKey(UNLOCK, rawKey(Buffer.alloc(32, 3)));
    for (const unlock of [recoveryCode(code), shares(made)]) await (await openAt(place, { clock, unlock })).close();
    // And by shares in the place of the code.
    const others = await generateShares({ threshold: 3, count: 5 });
    await store.rotateEncryptionKey(recoveryCode(code), shares(others), { depth: 'unlock' });
    await failure(openAt(place, { clock, unlock: recoveryCode(code) }), 'UNLOCK_FAILED');
    await (await openAt(place, { clock, unlock: shares(others.slice(2)) })).close();
  });

  it('tells the backend how many shares are needed, and nothing of them', async () => {
    const place = usePlace(() => memoryPlace());
    const { made } = await ways();
    await createAt(place, { unlock: shares(made) });
    const head = decodeHead((await (await place.open()).read(HEAD_NAME))?.body ?? Buffer.alloc(0));
    expect(head.head.slots).toMatchObject([{ method: { type: 'shares', threshold: 2, count: 3 } }]);
  });
});
