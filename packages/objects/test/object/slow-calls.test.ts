import type { BackendCall, FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { ObjectStore } from '../../src/index.ts';
import { reviseHead } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../support/stores.ts';

const LARGE = patterned(150_000);

interface World {
  readonly place: Place;
  readonly clock: FakeClock;
  readonly injector: FaultInjector;
  readonly store: ObjectStore;
}

async function world(): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const injector = createFaultInjector();
  const store = await createAt(place, { clock, layers: [injector.layer] });
  await store.store('k', LARGE);
  return { place, clock, injector, store };
}

/** Lets five seconds pass, and `meanwhile` happen, while the first call that `matches` is under way; the head is lost then. */
function delayOnce(
  { clock, injector }: World,
  matches: (call: BackendCall) => boolean,
  meanwhile: () => Promise<void>,
): void {
  injector.plan((call) => {
    if (!matches(call)) return undefined;
    injector.plan(undefined);
    clock.advance(5000);
    return { type: 'delay', until: meanwhile() };
  });
}

const loseHead =
  ({ injector }: World) =>
  async (): Promise<void> =>
    injector.plan(({ key }) => (key === 'store' ? { type: 'fail' } : undefined));

const isPart = ({ operation, key }: BackendCall): boolean => operation === 'read' && key?.startsWith('b/') === true;

describe('a call that takes long', () => {
  it('does not return a payload that was read after the head was confirmed last', async () => {
    const w = await world();
    delayOnce(w, isPart, loseHead(w));
    await failure(w.store.retrieve('k'), 'UNAVAILABLE');
    w.injector.plan(undefined);
    expect(LARGE.equals((await w.store.retrieve('k')).data)).toBe(true);
  });

  it('does not say whether data match that came after the head was confirmed last', async () => {
    const w = await world();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield LARGE.subarray(0, 10);
      w.clock.advance(5000);
      await loseHead(w)();
      yield LARGE.subarray(10);
    }
    await failure(w.store.matches('k', slow()), 'UNAVAILABLE');
    w.injector.plan(undefined);
    expect(await w.store.matches('k', LARGE)).toBe(true);
  });

  it('does not report a purge as done in a store that closed meanwhile', async () => {
    const w = await world();
    delayOnce(
      w,
      ({ operation, key }) => operation === 'list' && key?.startsWith('h/') === true,
      () => reviseHead(w.place, (head) => ({ ...head, generation: head.generation + 1, state: 'restoring' })),
    );
    const error = await failure(w.store.purge('k'), 'LOCKED');
    expect(error.outcome).toBe('unknown');
  });
});
