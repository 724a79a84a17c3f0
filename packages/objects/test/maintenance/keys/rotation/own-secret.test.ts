import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { HEAD_NAME } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { EagerClock } from '../../../support/eager-clock.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, openAt, UNLOCK, usePlace } from '../../../support/stores.ts';

const NEW = rawKey(Buffer.alloc(32, 8));

/** So long that a call of the process reads the head anew before it goes on. */
const SLOW = 5500;

it.each(['unlock', 'keys'] as const)(
  'a process whose own secret is replaced by itself, to the depth %s, goes on where it sees the new head before the answer',
  async (depth) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    await (await createAt(place, { clock })).close();
    let meanwhile: (() => Promise<unknown>) | undefined;
    const slowly = (inner: StorageBackend): StorageBackend =>
      forwardTo(inner, {
        async write(name, body, options) {
          const written = await inner.write(name, body, options);
          const call = name === HEAD_NAME ? meanwhile : undefined;
          if (call === undefined) return written;
          meanwhile = undefined;
          clock.advance(SLOW);
          await call();
          return written;
        },
      });
    const store = await openAt(place, { clock, wrap: slowly });
    meanwhile = () => store.store('k', 'x');
    expect(await store.rotateEncryptionKey(UNLOCK, NEW, { depth })).toMatchObject({ depth, failed: 0 });
    expect((await store.retrieve('k')).text()).toBe('x');
    expect(meanwhile).toBeUndefined();
    await store.rotateEncryptionKey(NEW, UNLOCK, { depth });
    await store.store('k', 'y');
    await store.close();
    expect((await (await openAt(place, { clock })).retrieve('k')).text()).toBe('y');
  },
);
