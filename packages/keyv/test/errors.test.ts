import { Keyv } from 'keyv';
import { Keyv as Keyv5 } from 'keyv-5';
import { rawKey } from 'securestore';
import { describe, expect, it } from 'vitest';
import { expectCode, storeUrlOf, openedAt, OPENING } from '../../adapter-kit/test/support/stores.ts';
import { hurriedClock } from '../../objects/test/support/hurried-clock.ts';
import { KeyvSecureStore } from '../src/index.ts';

function refusing(url: string): KeyvSecureStore {
  return new KeyvSecureStore(url, { unlock: rawKey(Buffer.alloc(32, 1)) });
}

describe('errors', () => {
  it('of a wrong secret are no silent miss of keyv 6 to which nobody listens', async () => {
    const url = storeUrlOf('file');
    await openedAt(url);
    const keyv = new Keyv(refusing(url), { namespace: 'sessions' });
    const calls: readonly (() => Promise<unknown>)[] = [
      () => keyv.get('k'),
      () => keyv.set('k', 'v'),
      () => keyv.has('k'),
      () => keyv.delete('k'),
      () => keyv.getMany(['k']),
      () => keyv.hasMany(['k']),
      () => keyv.setMany([{ key: 'k', value: 'v' }]),
      () => keyv.delete(['k']),
      () => keyv.clear(),
      () => Array.fromAsync(keyv.iterator()),
    ];
    for (const call of calls) await expectCode(call(), 'UNLOCK_FAILED');
  });

  it('become events of keyv 6, and no value, if somebody listens', async () => {
    const url = storeUrlOf('file');
    await openedAt(url);
    const keyv = new Keyv(refusing(url));
    const codes: unknown[] = [];
    keyv.on('error', (error: { code?: unknown }) => codes.push(error.code));
    expect(await keyv.set('k', 'v')).toBe(false);
    expect(await keyv.get('k')).toBeUndefined();
    expect(await keyv.has('k')).toBe(false);
    expect(await keyv.delete(['k'])).toEqual([false]);
    await keyv.clear();
    for await (const entry of keyv.iterator()) expect.unreachable(String(entry));
    // Those of `get`, which `has` of keyv 6 calls, are told by the adapter as well.
    expect(codes).toEqual(Array.from({ length: 8 }, () => 'UNLOCK_FAILED'));
  });

  it('of a wrong secret are no silent miss of keyv 5', async () => {
    const url = storeUrlOf('file');
    await openedAt(url);
    const codes: unknown[] = [];
    const listen = (keyv: Keyv5): Keyv5 => keyv.on('error', (error: { code?: unknown }) => codes.push(error.code));
    const told = async (outcome: Promise<unknown>): Promise<unknown> => {
      codes.length = 0;
      return { outcome: await outcome.catch((error: { code?: unknown }) => error.code), codes: [...codes] };
    };

    const quiet = listen(new Keyv5({ store: refusing(url) }));
    const event = ['UNLOCK_FAILED'];
    expect(await told(quiet.get('k'))).toEqual({ outcome: undefined, codes: event });
    expect(await told(quiet.set('k', 'v'))).toEqual({ outcome: false, codes: event });
    expect(await told(quiet.delete('k'))).toEqual({ outcome: false, codes: event });
    expect(await told(quiet.clear())).toEqual({ outcome: undefined, codes: event });
    expect(await told(quiet.has('k'))).toEqual({ outcome: 'UNLOCK_FAILED', codes: [] });
    expect(await told(quiet.getMany(['k']))).toEqual({ outcome: 'UNLOCK_FAILED', codes: [] });

    const loud = new Keyv5({ store: refusing(url), throwOnErrors: true });
    for (const call of [loud.get('k'), loud.set('k', 'v'), loud.delete('k'), loud.clear(), loud.has('k')]) {
      await expectCode(call, 'UNLOCK_FAILED');
    }
    await expectCode(loud.getMany(['k']), 'UNLOCK_FAILED');
  });

  it('are rejections of the adapter, which keyv 5 hands on', async () => {
    const adapter = refusing(storeUrlOf('sqlite'));
    await expectCode(adapter.set('k', 'v'), 'NOT_FOUND');
    await expectCode(adapter.setMany([{ key: 'k', value: 'v' }]), 'NOT_FOUND');
    await expectCode(adapter.getMany(['k']), 'NOT_FOUND');
    await expectCode(adapter.hasMany(['k']), 'NOT_FOUND');
    await expectCode(new Keyv5({ store: adapter, throwOnErrors: true }).get('k'), 'NOT_FOUND');
    await expectCode(new Keyv5({ store: adapter }).has('k'), 'NOT_FOUND');
    await adapter.disconnect();
  });

  it('of keys that were destroyed and of a store that was closed are not taken for what is not there', async () => {
    const store = await openedAt('memory:', { clock: hurriedClock(), categories: { gone: ['keyv/gone/**'] } });
    const gone = new KeyvSecureStore(store, { namespace: 'gone' });
    const kept = new KeyvSecureStore(store, { namespace: 'kept' });
    await gone.set('k', 'v');
    await kept.set('k', 'v');
    await store.encryptionKeys.destroy('gone', { waitingPeriod: 0 });
    await expectCode(gone.get('k'), 'KEY_DESTROYED');
    await expectCode(gone.iterator().next(), 'KEY_DESTROYED');
    expect(await kept.get('k')).toBe('v');
    await store.close();
    await expectCode(kept.get('k'), 'UNAVAILABLE');
  });

  it('of wrong options say which', async () => {
    const store = await openedAt('memory:');
    const options = { create: true } as object;
    await expectCode((async () => new KeyvSecureStore(store, options))(), 'INVALID_ARGUMENT');
    await expectCode((async () => new KeyvSecureStore(store, { prefix: 'a//b' }))(), 'INVALID_KEY');
    const unknown = new KeyvSecureStore(storeUrlOf('memory'), { ...OPENING, ...({ tabel: 'x' } as object) });
    expect((await expectCode(unknown.get('k'), 'INVALID_ARGUMENT')).message).toContain('"tabel"');
  });
});
