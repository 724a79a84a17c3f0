import { createSecretKey } from 'node:crypto';
import type { Slot } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { KeyWrapper, KeyWrapperMethod } from '../../src/index.ts';
import { holdSecret, keyWrapper, sealSlot } from '../../src/index.ts';
import { FAULTY_KEY_WRAPPERS, memoryKeyService } from '../../src/testing.ts';
import { bytesFrom, repeatableRandom } from '../support/fixtures.ts';

const context = { lineage: bytesFrom('lineage', 16), fingerprint: bytesFrom('fingerprint', 32) };
const rootBytes = bytesFrom('root', 32);
const root = { number: 7, key: createSecretKey(rootBytes) };
const random = repeatableRandom('wrappers');
const service = memoryKeyService();
const method = keyWrapper(service.open());

const seal = (unlock: KeyWrapperMethod, signal?: AbortSignal): Promise<Slot> =>
  sealSlot(unlock, context, root, 1, random, signal);

async function open(
  slot: Slot,
  unlock: KeyWrapperMethod = method,
  place = context,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const held = await holdSecret(unlock);
  return (await held.open(slot, place, 7, signal))?.root.export();
}

const slot = await seal(method);
const never = (): Promise<never> => new Promise<never>(() => undefined);

describe('a slot of a key wrapper', () => {
  it('is opened by its wrapper, and by no other', async () => {
    expect(slot.method).toMatchObject({ type: 'keyWrapper', wrapperId: service.open().id });
    expect(slot.binding).toBeUndefined();
    expect(await open(slot)).toEqual(rootBytes);
    expect(await open(slot, keyWrapper(memoryKeyService().open()))).toBeUndefined();
    const impostor = { ...memoryKeyService().open(), id: service.open().id };
    await expect(open(slot, keyWrapper(impostor))).rejects.toMatchObject({ code: 'UNLOCK_FAILED', retryable: false });
  });

  it('[S-08] is refused where the wrapper gives another key than it wrapped', async () => {
    const other = bytesFrom('other', 32);
    const lying = { ...service.open(), unwrap: async () => Uint8Array.from(other) };
    await expect(open(slot, keyWrapper(lying))).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    const short = { ...service.open(), unwrap: async () => new Uint8Array(31) };
    await expect(open(slot, keyWrapper(short))).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
  });

  it('was wrapped for its store and slot, and is unwrapped for no other', async () => {
    for (const place of [
      { ...context, lineage: bytesFrom('other', 16) },
      { ...context, fingerprint: bytesFrom('other', 32) },
    ]) {
      await expect(open(slot, method, place)).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
    }
    await expect(open({ ...slot, id: bytesFrom('other', 16) })).rejects.toMatchObject({ code: 'UNLOCK_FAILED' });
  });

  it('[S-11] gives the wrapper a context that is the same text each time', async () => {
    const seen: string[] = [];
    const { id, wrap, unwrap } = service.open();
    const spy: KeyWrapper = {
      id,
      wrap: (key, given, options) => (seen.push(JSON.stringify(given)), wrap(key, given, options)),
      unwrap: (wrapped, given, options) => (seen.push(JSON.stringify(given)), unwrap(wrapped, given, options)),
    };
    await open(await seal(keyWrapper(spy)), keyWrapper(spy));
    expect(new Set(seen).size).toBe(1);
    expect(Object.keys(JSON.parse(seen[0] ?? '') as object)).toEqual(['lineage', 'fingerprint', 'slot']);
  });

  it('needs no wrapper to be followed under a new root key', async () => {
    const held = await holdSecret(method);
    const unlocked = await held.open(slot, context, 7);
    await expect(unlocked?.follow(slot, 7)).resolves.toMatchObject({ id: Buffer.from(slot.id) });
  });
});

describe('a key wrapper', () => {
  it.each([
    ['no functions', { id: 'x' }],
    ['no id', { ...service.open(), id: '' }],
    ['an id with a line end', { ...service.open(), id: 'a\nb' }],
    ['an id that is too long', { ...service.open(), id: 'ä'.repeat(128) }],
    ['an id with a lone surrogate', { ...service.open(), id: '\ud800' }],
    ['nothing', undefined],
  ])('with %s is refused', (_, wrapper) => {
    expect(() => keyWrapper(wrapper as KeyWrapper)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it.each([0, -1, Number.NaN, 2 ** 31])('with a timeout of %d is refused', (timeout) => {
    expect(() => keyWrapper(service.open(), { timeout })).toThrow(/milliseconds/);
  });

  it.each(
    FAULTY_KEY_WRAPPERS.filter(({ name }) =>
      /^(unwraps another key|gives the key|gives too many|gives text|hangs)/.test(name),
    ),
  )('that $name makes no slot', async ({ make }) => {
    const broken = keyWrapper(await make().open(), { timeout: 20 });
    await expect(seal(broken)).rejects.toMatchObject({
      code: expect.stringMatching(/^(INVALID_ARGUMENT|UNLOCK_FAILED|TIMEOUT)$/) as string,
    });
  });

  it('gets arrays that are wiped after the call, and its own are wiped too', async () => {
    const seen: Uint8Array[] = [];
    const { id, wrap, unwrap } = service.open();
    const spy: KeyWrapper = {
      id,
      async wrap(key, ...rest) {
        seen.push(key);
        return wrap(key, ...rest);
      },
      async unwrap(...call) {
        const key = await unwrap(...call);
        seen.push(key);
        return key;
      },
    };
    await open(await seal(keyWrapper(spy)), keyWrapper(spy));
    expect(seen).toHaveLength(3);
    for (const bytes of seen) expect(Buffer.from(bytes)).toEqual(Buffer.alloc(32));
  });
});

const failing = (error: unknown): KeyWrapperMethod => {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return keyWrapper({ ...service.open(), unwrap: fail });
};

describe('a call of a key wrapper', () => {
  it.each([
    ['UNAVAILABLE', 'UNAVAILABLE', true],
    ['THROTTLED', 'THROTTLED', true],
    ['TIMEOUT', 'TIMEOUT', true],
    ['UNLOCK_FAILED', 'UNLOCK_FAILED', false],
    ['ACCESS_DENIED', 'UNLOCK_FAILED', false],
  ] as const)('that fails with %s is %s', async (code, expected, retryable) => {
    const error = await open(slot, failing(new SecureStoreError(code, 'the reason'))).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: expected,
      retryable,
      message: expect.stringContaining('the reason') as string,
    });
  });

  it('that fails with anything else says its name alone, since the rest may hold a key', async () => {
    for (const given of [new TypeError('canary'), 'canary', Object.assign(new Error('canary'), { name: 'a canary' })]) {
      const error = await open(slot, failing(given)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: false });
      expect((error as Error).cause).toBeUndefined();
      expect((error as Error).message).not.toContain('canary');
    }
    await expect(open(slot, failing(new TypeError('canary')))).rejects.toThrow('(TypeError)');
  });

  it('that hangs ends at its timeout, or when its caller gives up', async () => {
    const hanging = { ...service.open(), unwrap: never, wrap: never };
    const late = await open(slot, keyWrapper(hanging, { timeout: 5 })).catch((reason: unknown) => reason);
    expect(late).toMatchObject({ code: 'TIMEOUT', retryable: true });
    const controller = new AbortController();
    const opening = open(slot, keyWrapper(hanging), context, controller.signal);
    const sealing = seal(keyWrapper(hanging), controller.signal);
    controller.abort(new Error('enough'));
    for (const call of [opening, sealing]) await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(open(slot, method, context, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('whose answer comes too late leaves nothing of it', async () => {
    const key = bytesFrom('late', 32);
    const answer = Promise.withResolvers<Uint8Array>();
    const slow = { ...service.open(), unwrap: () => answer.promise };
    await expect(open(slot, keyWrapper(slow, { timeout: 5 }))).rejects.toMatchObject({ code: 'TIMEOUT' });
    const given = Uint8Array.from(key);
    answer.resolve(given);
    await answer.promise;
    await new Promise<void>((done) => void setImmediate(done));
    expect(Buffer.from(given)).toEqual(Buffer.alloc(32));
  });
});
