import { rawKey } from '@securestore/crypto';
import type { ObjectStore } from '../../src/index.ts';
import type { Method } from './methods.ts';

/** What the process has to work with. */
export interface Opener {
  readonly create: () => Promise<ObjectStore>;
  readonly open: () => Promise<ObjectStore>;
  /** Makes sure that a call fails with `code`. */
  readonly fails: (code: string, call: () => PromiseLike<unknown>) => Promise<void>;
}

/** What a process does that must leave no key behind. */
export interface Scenario {
  readonly method: Method;
  readonly secretLength: number;
  /** Whether the store is there before, and the secret of the process another one. */
  readonly strange?: boolean;
  /** @param look has the memory looked at while keys are in use */
  run(opener: Opener, look: () => Promise<void>): Promise<void>;
}

const BIG = 300_000;

async function useAll(store: ObjectStore): Promise<void> {
  await store.store('small/one', 'a small payload', { metadata: { some: 'metadata' } });
  await store.store('small/one', 'another small payload');
  await store.store('big/one', Buffer.alloc(BIG, 1));
  await store.retrieve('small/one');
  await store.retrieve('big/one');
  for await (const _ of (await store.retrieveStream('big/one')).stream);
  await store.list();
  await store.history('small/one');
}

function used(method: Scenario['method'], secretLength: number): Scenario {
  return {
    method,
    secretLength,
    async run({ create, open }, look) {
      const made = await create();
      await useAll(made);
      await made.close();
      const store = await open();
      await useAll(store);
      await look();
      await store.close();
    },
  };
}

function refused(method: Scenario['method'], secretLength: number): Scenario {
  return {
    method,
    secretLength,
    strange: true,
    run: ({ open, fails }) => fails('UNLOCK_FAILED', open),
  };
}

async function* breaksOff(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(BIG * 10, 2);
  throw new Error('the source of the payload broke off');
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a store that is closed, opened by a raw key': used('rawKey', 32),
  'a store that is closed, opened by a passphrase': used('passphrase', 40),
  'a store that is closed, opened by a key file': used('keyFile', 48),
  'a store that is closed, opened by an identity': used('identity', 32),
  'a store that is closed, opened by a key wrapper': used('keyWrapper', 32),
  'a raw key that opens nothing': refused('rawKey', 32),
  'a passphrase that opens nothing': refused('passphrase', 40),
  'an identity that opens nothing': refused('identity', 32),
  'a key wrapper that opens nothing': refused('keyWrapper', 32),
  'errors, and then a store that is closed': {
    method: 'rawKey',
    secretLength: 32,
    async run({ create, fails }, look) {
      const store = await create();
      await useAll(store);
      await fails('INVALID_ARGUMENT', () => store.store('big/two', breaksOff()));
      await fails('ABORTED', () => store.store('big/three', Buffer.alloc(BIG), { signal: AbortSignal.abort() }));
      await fails('UNLOCK_FAILED', () => store.rotateEncryptionKey(Buffer.alloc(32, 1), Buffer.alloc(32, 2)));
      // Whoever looks damages what is stored meanwhile.
      await look();
      await fails('INTEGRITY', () => store.retrieve('small/one'));
      await fails('INTEGRITY', () => store.retrieve('big/one'));
      await store.close();
    },
  },
  'a rotation, and then a store that is closed': {
    method: 'rawKey',
    secretLength: 32,
    async run({ create }, look) {
      const store = await create();
      await useAll(store);
      await store.slots.add(rawKey(Buffer.alloc(32, 3)));
      await store.rotateEncryptionKey(Buffer.alloc(32, 3), Buffer.alloc(32, 4), { depth: 'data' });
      await look();
      await store.close();
    },
  },
};
