import { createFaultInjector } from '@securestore/backend-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { ObjectStore } from '../../src/index.ts';
import { reviseHead } from '../support/heads.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, usePlace } from '../support/stores.ts';

interface Scene {
  readonly store: ObjectStore;
  readonly clock: FakeClock;
  /** How long the head takes to be read, in milliseconds; `undefined` if it can't be reached. */
  answer: number | undefined;
}

/** A store that has one object, and is announced to move. */
async function announced(): Promise<Scene> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const state: { answer: number | undefined } = { answer: 0 };
  const injector = createFaultInjector(({ operation, key }) => {
    const { answer } = state;
    if (operation !== 'read' || key !== 'store' || answer === 0) return undefined;
    return answer === undefined ? { type: 'fail' } : { type: 'delay', until: clock.sleep(answer) };
  });
  const store = await createAt(place, { clock, layers: [injector.layer] });
  await store.store('k', 'x');
  await reviseHead(place, (head) => ({
    ...head,
    generation: head.generation + 1,
    migration: { instance: Buffer.alloc(16, 9), stage: 'announced', resealed: false, location: Buffer.alloc(64, 1) },
  }));
  clock.advance(5000);
  await store.retrieve('k');
  return Object.assign(state, { clock, store });
}

/** Lets time pass beside a call, and gives how much of it the call took. */
async function during(clock: FakeClock, call: () => Promise<unknown>): Promise<number> {
  const begun = clock.uptime();
  const passing = setInterval(() => clock.advance(50), 1);
  onTestFinished(() => clearInterval(passing));
  await call().finally(() => clearInterval(passing));
  return clock.uptime() - begun;
}

describe('while a store is announced to move', () => {
  it.each([
    ['retrieve', (store: ObjectStore) => store.retrieve('k')],
    ['store', (store: ObjectStore) => store.store('k', 'y')],
  ])('%s waits while the head is read slowly', async (_method, call) => {
    const scene = await announced();
    const { clock, store } = scene;
    scene.answer = 600;
    clock.advance(500);
    void clock.sleep(25_000).then(() => (scene.answer = 0));
    expect(await during(clock, () => call(store))).toBeGreaterThanOrEqual(25_000);
  });

  it('calls fail if the head is read slowly for thirty seconds', async () => {
    const scene = await announced();
    const { clock, store } = scene;
    scene.answer = 600;
    clock.advance(500);
    const took = await during(clock, () => failure(store.retrieve('k'), 'UNAVAILABLE'));
    expect(took).toBeGreaterThanOrEqual(30_000);
    expect(took).toBeLessThan(31_000);
  });

  it('calls outlast as long an outage as at other times', async () => {
    const scene = await announced();
    const { clock, store } = scene;
    scene.answer = undefined;
    clock.advance(500);
    void clock.sleep(4000).then(() => (scene.answer = 0));
    expect(await during(clock, () => store.store('k', 'y'))).toBeGreaterThanOrEqual(4000);
    expect((await store.retrieve('k')).text()).toBe('y');

    clock.advance(500);
    scene.answer = undefined;
    const took = await during(clock, () => failure(store.store('k', 'z'), 'UNAVAILABLE'));
    expect(took).toBeGreaterThan(4000);
    expect(took).toBeLessThan(6000);
  });
});
