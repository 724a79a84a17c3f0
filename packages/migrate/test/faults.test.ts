import type { FaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { atEveryCall, ended } from '../../backup/test/support/faults.ts';
import { EagerClock, mortal } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, openAt, patterned } from '../../objects/test/support/stores.ts';
import { TROUBLES } from '../../objects/test/support/troubles.ts';
import { following, move, mover } from './support/moves.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const HOUR = 60 * 60 * 1000;
/** A migration is some hundred calls on either side. */
const EVERY = sized({ short: 97, full: 53, torture: 37 });
const NAMES = ['a', 'b', 'c', 'd', 'e'];

const memoryAt = (clock: EagerClock): Place => memoryPlace(() => clock.now());

/** What was acknowledged last of each name; `undefined` for a deletion. */
type Acknowledged = Map<string, string | undefined>;

/** Writes as long as it is let, and remembers what was acknowledged. */
class Writer {
  readonly acknowledged: Acknowledged = new Map();
  readonly #store: ObjectStore;
  readonly #clock: EagerClock;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(store: ObjectStore, clock: EagerClock) {
    this.#store = store;
    this.#clock = clock;
  }

  start(): void {
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      await this.step(n);
      await this.#clock.sleep(600);
    }
  }

  async step(n: number): Promise<void> {
    const name = NAMES[n % NAMES.length] ?? 'a';
    if (n % 7 === 3) {
      await this.#store.delete(name);
      this.acknowledged.set(name, undefined);
    } else {
      const value = n % 5 === 1 ? patterned(70_000, n + 1).toString('base64') : `value ${n}`;
      await this.#store.store(name, value);
      this.acknowledged.set(name, value);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}

async function expectAll(store: ObjectStore, acknowledged: Acknowledged, what: string): Promise<void> {
  for (const [name, value] of acknowledged) {
    const found = await store.retrieve(name).then(
      (object) => object.text(),
      (error: unknown) => {
        if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
        throw error;
      },
    );
    expect(found === value, `${what}: ${name}`).toBe(true);
  }
}

/** Moves with trouble, then without until it is done. */
async function troubled(
  from: Place,
  to: Place,
  clock: EagerClock,
  injector: FaultInjector,
  [atSource, atTarget]: readonly [FaultInjector, FaultInjector],
): Promise<void> {
  const work = async (): Promise<void> => {
    const own = mortal(clock, injector);
    const { store, job } = await mover(from, to, {
      clock: own,
      fromLayers: [atSource.layer],
      toLayers: [atTarget.layer],
    });
    try {
      await job;
    } finally {
      await store.close().catch(() => undefined);
    }
  };
  if (await ended(work(), injector)) return;
  // Whoever runs the job has died, which shows after a while.
  clock.advance(HOUR / 60);
}

describe.each(TROUBLES)('where %s', (...trouble) => {
  describe.each(['source', 'target'] as const)('at the %s of a migration', (where) => {
    it('it is gone on with, and nothing that was acknowledged is lost', async () => {
      await atEveryCall(
        trouble,
        async (injector, what, other) => {
          const clock = new EagerClock();
          // In memory, and not kept until the test has ended: in full there are thousands.
          const [from, to] = [memoryAt(clock), memoryAt(clock)];
          const store = await createAt(from, { clock, ...following(from, to) });
          const writer = new Writer(store, clock);
          for (let n = 0; n < 12; n++) await writer.step(n);
          writer.start();
          await troubled(from, to, clock, injector, where === 'source' ? [injector, other] : [other, injector]);
          const report = await move(from, to, { clock });
          expect(report, what).toMatchObject({ migrated: true, failures: 0 });
          await writer.stop();
          await writer.step(100);
          expect(store.url, what).toBe(to.url);
          const there = await openAt(to, { clock });
          await expectAll(there, writer.acknowledged, what);
          await expectAll(store, writer.acknowledged, what);
          expect((await there.verify({ payloads: true })).findings, what).toEqual([]);
          await there.close();
          await store.close();
          await from.remove();
          await to.remove();
        },
        EVERY,
      );
    });
  });
});
