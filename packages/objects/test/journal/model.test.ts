import type { Fault, FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HINT_LAPSES_AFTER } from '../../src/engine/journal-limits.ts';
import { pruneJournal } from '../../src/journal/prune.ts';
import type { ObjectInfo, ObjectStore } from '../../src/index.ts';
import { attack } from '../support/attacker.ts';
import type { Attacker } from '../support/attacker.ts';
import { Follower } from '../support/followers.ts';
import type { Shelf } from '../support/followers.ts';
import type { Process, World } from '../support/journals.ts';
import { passing, worldOf } from '../support/journals.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const WRITERS = 3;
const KEYS = ['a', 'b', 'c/d', 'n'.repeat(400)];

type Step =
  | {
      readonly type: 'write';
      readonly writer: number;
      readonly key: string;
      readonly action: 'store' | 'delete' | 'purge' | 'setMetadata';
    }
  /** Several writers at once, on one object or another. */
  | { readonly type: 'burst'; readonly keys: readonly string[] }
  | { readonly type: 'restart'; readonly writer: number; readonly killed: boolean }
  | {
      readonly type: 'consume';
      readonly consumer: number;
      readonly how: 'follow' | 'poll' | 'cut' | 'pass' | 'restart';
    }
  | {
      readonly type: 'fault';
      readonly writer: number;
      readonly fault: 'fail' | 'lose-acknowledgement';
      readonly after: number;
    }
  | { readonly type: 'time'; readonly milliseconds: number }
  | { readonly type: 'prune' }
  /** Removes a hint; the last one of a stream only if `any`. */
  | { readonly type: 'attack'; readonly pick: number; readonly any: boolean };

const writer = fc.nat(WRITERS - 1);
const key = fc.constantFrom(...KEYS);

const honestStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      writer,
      key,
      action: fc.constantFrom('store' as const, 'delete' as const, 'purge' as const, 'setMetadata' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('burst' as const), keys: fc.array(key, { minLength: 3, maxLength: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), writer, killed: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('consume' as const),
      consumer: fc.nat(1),
      how: fc.constantFrom('follow' as const, 'poll' as const, 'cut' as const, 'pass' as const, 'restart' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('fault' as const),
      writer,
      fault: fc.constantFrom('fail' as const, 'lose-acknowledgement' as const),
      after: fc.nat(4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('time' as const),
      milliseconds: fc.constantFrom(1, 2500, HINT_LAPSES_AFTER + 2, 30 * 3_600_000, 8 * 24 * 3_600_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('prune' as const) }) },
);

/** The last hint of a stream is missed only once its writer adds another one, which it never does if it is killed. */
const attackStep: fc.Arbitrary<Step> = fc.record({
  type: fc.constant('attack' as const),
  pick: fc.nat(1000),
  any: fc.constant(false),
});

const streamOf = (name = ''): string => name.slice(0, name.lastIndexOf('/'));

class Simulation {
  readonly #world: World;
  readonly #attacker: Attacker;
  readonly #processes: Process[] = [];
  readonly #injectors: FaultInjector[] = [];
  readonly #shelves: readonly Shelf[] = [new Map(), new Map()];
  readonly #followers: Follower[] = [];
  readonly #cleaner: Process;
  /** Alarms of consumers that have been restarted since. */
  readonly #alarms: string[] = [];
  /** By key the newest version that was acknowledged, and by commit. */
  readonly #acknowledged = new Map<string, string>();
  /** How many hints were removed that an alarm must be given about. */
  attacks = 0;

  private constructor(world: World, attacker: Attacker, cleaner: Process) {
    this.#world = world;
    this.#attacker = attacker;
    this.#cleaner = cleaner;
  }

  static async create(): Promise<Simulation> {
    const world = await worldOf({ journal: false });
    const simulation = new Simulation(world, await attack(world.place), await world.start());
    for (let n = 0; n < WRITERS; n++) await simulation.#startWriter(n);
    for (let n = 0; n < 2; n++) await simulation.#startConsumer(n);
    return simulation;
  }

  get alarms(): string[] {
    return [
      ...this.#alarms,
      ...this.#followers.flatMap(({ alarms }) => alarms.map(({ type, name }) => `${type} ${name}`)),
    ];
  }

  async #startWriter(n: number): Promise<void> {
    const injector = createFaultInjector();
    this.#injectors[n] = injector;
    this.#processes[n] = await this.#world.start({ layers: [injector.layer] });
  }

  async #startConsumer(n: number): Promise<void> {
    const before = this.#followers[n];
    if (before !== undefined) this.#alarms.push(...before.alarms.map(({ type, name }) => `${type} ${name}`));
    const { engine } = await this.#world.start();
    this.#followers[n] = await Follower.open(engine, this.#world.clock, `consumer ${n}`, this.#shelves[n]);
  }

  #storeOf(n: number): ObjectStore {
    const process = this.#processes[n % WRITERS];
    if (process === undefined) throw new Error(`no writer ${n}`);
    return process.store;
  }

  /** One mutation; what it acknowledges is remembered, what it refuses or leaves in doubt is not. */
  async #write(n: number, on: string, action: 'store' | 'delete' | 'purge' | 'setMetadata'): Promise<void> {
    const store = this.#storeOf(n);
    try {
      const result: unknown =
        action === 'store'
          ? await store.store(on, `${n}`)
          : action === 'setMetadata'
            ? await store.setMetadata(on, { n })
            : await store[action](on);
      if (typeof result === 'object') this.#acknowledge(on, (result as ObjectInfo).version);
      else if (result === true && action === 'delete') {
        const newest = (await this.#cleaner.store.history(on))[0]?.version;
        if (newest !== undefined) this.#acknowledge(on, newest);
      }
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      expect(['UNAVAILABLE', 'NOT_FOUND']).toContain(error.code);
    }
  }

  #acknowledge(on: string, version: string): void {
    const before = this.#acknowledged.get(on);
    if (before === undefined || before < version) this.#acknowledged.set(on, version);
  }

  async #consume(n: number, how: 'follow' | 'poll' | 'cut' | 'pass' | 'restart'): Promise<void> {
    const follower = this.#followers[n];
    if (follower === undefined) throw new Error(`no consumer ${n}`);
    if (how === 'restart') return this.#startConsumer(n);
    if (how !== 'cut') return follower[how]();
    await follower.cut();
    return follower.confirm();
  }

  async #remove(pick: number, any: boolean): Promise<void> {
    const hints = await this.#attacker.names(AREAS.journal);
    const followed = hints.filter((name, at) => any || streamOf(name) === streamOf(hints[at + 1]));
    const name = followed[pick % followed.length];
    if (name === undefined) return;
    await this.#attacker.remove(name);
    this.attacks += 1;
  }

  /** Lets time pass for whoever waits a little before trying again. */
  run(step: Step): Promise<void> {
    return passing(this.#world.clock, this.#run(step), 25);
  }

  async #run(step: Step): Promise<void> {
    switch (step.type) {
      case 'write':
        return this.#write(step.writer, step.key, step.action);
      case 'burst':
        await Promise.all(step.keys.map((on, n) => this.#write(n, on, 'store')));
        return undefined;
      case 'restart':
        if (step.killed) this.#injectors[step.writer]?.kill();
        else await this.#storeOf(step.writer).close();
        return this.#startWriter(step.writer);
      case 'consume':
        return this.#consume(step.consumer, step.how);
      case 'fault': {
        const injector = this.#injectors[step.writer];
        const at = (injector?.calls ?? 0) + step.after;
        injector?.plan(({ index }) => (index === at ? ({ type: step.fault } satisfies Fault) : undefined));
        return undefined;
      }
      case 'time':
        this.#world.clock.advance(step.milliseconds);
        return undefined;
      case 'prune':
        await pruneJournal(this.#cleaner.engine);
        return undefined;
      case 'attack':
        return this.#remove(step.pick, step.any);
      default:
        throw new Error(`no such step: ${JSON.stringify(step satisfies never)}`);
    }
  }

  /** At the end every consumer knows every object at least as new as it was acknowledged. */
  async expectAllSeen(): Promise<void> {
    for (const injector of this.#injectors) injector.plan(undefined);
    for (const { store } of this.#processes) await store.close();
    const { names } = this.#cleaner.engine;
    for (const follower of this.#followers) {
      await follower.follow();
      if (follower.consumer.passDue) await follower.follow();
      for (const [on, version] of this.#acknowledged) {
        const known = follower.known.get(names.locate(parseStoreKey(on)).token);
        expect(
          (known?.version ?? 0).toString(32).padStart(11, '0') >= version.slice(0, 11),
          `${on} of ${version}`,
        ).toBe(true);
      }
    }
  }
}

const runs = (numRuns: number): { numRuns: number } => ({
  numRuns: sized({ short: Math.ceil(numRuns / 3), full: numRuns, torture: numRuns * 100 }),
});

describe('several writers and two consumers', () => {
  it('miss nothing and see no alarm, whatever happens short of an attack', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(honestStep, { minLength: 5, maxLength: 40 }), async (steps) => {
        const simulation = await Simulation.create();
        for (const step of steps) await simulation.run(step);
        await simulation.expectAllSeen();
        expect(simulation.alarms).toEqual([]);
      }),
      runs(20),
    );
  });

  it('miss nothing where a purge from before the journal stops half-way', async () => {
    const simulation = await Simulation.create();
    const on = KEYS[3] ?? '';
    await simulation.run({ type: 'consume', consumer: 0, how: 'follow' });
    await simulation.run({ type: 'fault', writer: 1, fault: 'fail', after: 2 });
    await simulation.run({ type: 'write', writer: 0, key: on, action: 'store' });
    await simulation.run({ type: 'write', writer: 1, key: on, action: 'purge' });
    await simulation.run({ type: 'consume', consumer: 0, how: 'follow' });
    await simulation.expectAllSeen();
    expect(simulation.alarms).toEqual([]);
  });

  it('miss nothing where hints are removed, too', async () => {
    const steps = fc.array(fc.oneof({ weight: 6, arbitrary: honestStep }, { weight: 1, arbitrary: attackStep }), {
      minLength: 5,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const simulation = await Simulation.create();
        for (const step of given) await simulation.run(step);
        await simulation.expectAllSeen();
        if (simulation.attacks === 0) expect(simulation.alarms).toEqual([]);
      }),
      runs(20),
    );
  });

  it('see an alarm where a hint is removed that one of them has not read', async () => {
    const writes = fc.array(fc.record({ writer, key }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(writes, fc.nat(1000), async (given, pick) => {
        const simulation = await Simulation.create();
        for (const consumer of [0, 1]) await simulation.run({ type: 'consume', consumer, how: 'follow' });
        for (const { writer: by, key: on } of given)
          await simulation.run({ type: 'write', writer: by, key: on, action: 'store' });
        await simulation.run({ type: 'attack', pick, any: true });
        await simulation.expectAllSeen();
        expect(simulation.alarms.join(' ')).toContain('missing-hints');
      }),
      runs(10),
    );
  });
});
