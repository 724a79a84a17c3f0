import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS, SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { collect } from '../../src/maintenance/gc/collect.ts';
import type { Process } from '../support/collection.ts';
import { DAY, HOUR, namesUnder, partsOf, processAt, whileTimePasses } from '../support/collection.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, failure, patterned, UNLOCK, usePlace } from '../support/stores.ts';

/** A point at which a process is held up until it is told to go on. */
interface Hold {
  readonly reached: Promise<void>;
  readonly goOn: () => void;
  /** Adds it to a backend. */
  readonly wrap: (inner: StorageBackend) => StorageBackend;
}

/** The first request under `prefix` is held up on its way, or its answer is. @param answer what comes in the place of that */
function holdAt(
  what: 'read' | 'write' | 'answer to a write',
  prefix: string,
  answer: () => void = () => undefined,
): Hold {
  const reached = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  let held = false;
  const hold = async (key: string): Promise<void> => {
    if (held || !key.startsWith(prefix)) return;
    held = true;
    reached.resolve();
    await told.promise;
    answer();
  };
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      async read(key, options) {
        const found = await inner.read(key, options);
        if (what === 'read') await hold(key);
        return found;
      },
      async write(key, body, options) {
        if (what === 'write') await hold(key);
        const written = await inner.write(key, body, options);
        if (what === 'answer to a write') await hold(key);
        return written;
      },
    });
  return { reached: reached.promise, goOn: told.resolve, wrap };
}

function unknown(): never {
  throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
}

interface World {
  readonly clock: FakeClock;
  /** Whose object "k" has a payload in parts, of version `first`. */
  readonly owner: Process;
  readonly first: string;
  readonly process: (...holds: readonly Hold[]) => Promise<Process>;
}

async function newWorld(): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, history: { versions: 0, days: 0 } })).close();
  const process = (...holds: readonly Hold[]): Promise<Process> =>
    processAt(place, {
      clock,
      smallParts: true,
      wrap: (inner) => holds.reduce((backend, { wrap }) => wrap(backend), withoutBatch(inner)),
    });
  const owner = await process();
  const { version: first } = await owner.store.store('k', patterned(20_000));
  return { clock, owner, first, process };
}

it('[M-08] a writer that slept on an unknown outcome of its copy brings no version back that was collected', async () => {
  const { clock, owner, first, process } = await newWorld();
  const copied = holdAt('answer to a write', AREAS.history, unknown);
  const sleeper = await process(copied);
  const storing = sleeper.store.store('k', 'of the sleeper');
  await copied.reached;
  await owner.store.store('k', 'newer');
  clock.advance(2 * DAY);
  await whileTimePasses(clock, collect(owner.engine));
  expect(await namesUnder(owner.engine.backend, AREAS.history)).toEqual([]);
  copied.goOn();
  await whileTimePasses(clock, storing);
  await failure(owner.store.restoreVersion('k', first), 'NOT_FOUND');
  expect(await owner.store.history('k')).toHaveLength(2);
  expect(await partsOf(owner.engine)).toEqual({ missing: [], unreachable: [] });
});

it('[M-09] a version stays until nobody who read it before it was replaced can copy it any more', async () => {
  const { clock, owner, first, process } = await newWorld();
  // There is a copy of it already.
  const stopped = holdAt('answer to a write', AREAS.history);
  void (await process(stopped)).store.store('k', 'never');
  await stopped.reached;
  clock.advance(2 * DAY);
  // What replaces it is numbered 22 hours before it lands.
  const [read, sent] = [holdAt('read', AREAS.objects), holdAt('write', AREAS.objects)];
  const writer = await process(sent, read);
  const storing = writer.store.store('k', 'late', { ifVersion: first });
  await read.reached;
  clock.advance(11 * HOUR);
  read.goOn();
  await sent.reached;
  clock.advance(11 * HOUR);
  const seen = holdAt('read', AREAS.objects);
  const sleeper = await process(seen);
  const deleting = sleeper.store.delete('k', { ifVersion: first });
  await seen.reached;
  sent.goOn();
  await whileTimePasses(clock, storing);
  clock.advance(3 * HOUR);
  await whileTimePasses(clock, collect(owner.engine));
  seen.goOn();
  await failure(whileTimePasses(clock, deleting), 'CONFLICT');
  expect(await partsOf(owner.engine)).toEqual({ missing: [], unreachable: [] });
  clock.advance(DAY);
  await whileTimePasses(clock, collect(owner.engine));
  expect(await namesUnder(owner.engine.backend, AREAS.history)).toEqual([]);
});

it('a copy from before a purge, that could not be taken back, is not opened any more', async () => {
  const { clock, owner, process } = await newWorld();
  // Idle meanwhile: it knows the object, and neither of the purge nor of the rotation.
  const lost = holdAt('read', AREAS.history, unknown);
  const idle = await process(lost);
  await idle.store.store('p', 'before');
  await owner.store.purge('p');
  const rotating = Promise.resolve(owner.store.rotateEncryptionKey(UNLOCK, UNLOCK, { depth: 'keys' }));
  await whileTimePasses(clock, rotating);
  const deleting = idle.store.delete('p');
  await lost.reached;
  lost.goOn();
  expect(await whileTimePasses(clock, deleting)).toBe(false);
  expect(await namesUnder(owner.engine.backend, AREAS.history)).toHaveLength(1);
  expect(await owner.store.history('p')).toMatchObject([{ deleted: true, purged: true }]);
  await failure(owner.store.undelete('p'), 'NOT_FOUND');
});
