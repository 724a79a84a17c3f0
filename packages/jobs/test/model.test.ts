import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JobContext, JobKind } from '../src/index.ts';
import { outcomeOf } from './support/outcome.ts';
import type { Fault } from './support/storage.ts';
import type { Process, World } from './support/world.ts';
import { createWorld } from './support/world.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

/** Each takes half a second, so that no run is done before things have settled. */
const ITEMS = 160;
const PROCESSES = 3;
const FAULTS: readonly Fault[] = [
  'unavailable',
  'conflict',
  'done unknown',
  'undone unknown',
  'done stalled',
  'undone stalled',
  'late',
];
/** What a job may end with where calls and processes fail as above. */
const ENDS = new Set(['done', 'ABORTED', 'LOCKED', 'CONFLICT', 'UNAVAILABLE', 'TIMEOUT', 'NOT_FOUND']);

type Call = 'start' | 'resume' | 'cancel' | 'list' | 'cut' | 'mend';

type Step =
  | { readonly do: Call; readonly by: number }
  | { readonly do: 'fault'; readonly by: number; readonly fault: Fault; readonly calls: number }
  | { readonly do: 'pass'; readonly milliseconds: number };

const by = fc.nat(PROCESSES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom<Call>('start', 'resume'), by }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom<Call>('cancel', 'list', 'cut', 'mend'), by }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      by,
      fault: fc.constantFrom(...FAULTS),
      calls: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('pass'),
      milliseconds: fc.integer({ min: 1, max: 40 }).map((n) => n * 500),
    }),
  },
);

/** Several processes that work on one job, and what the work sees of it. */
class Model {
  readonly world: World = createWorld(true);
  readonly processes: readonly Process[] = Array.from({ length: PROCESSES }, () => this.world.process());
  /** The runs that believe to hold the lease. */
  readonly holders: Set<AbortSignal> = new Set();
  readonly counted: Set<number> = new Set();
  readonly ends: Promise<string>[] = [];
  /** The latest cursor of which a run was told that it is stored, and the states that were removed before. */
  #confirmed = { cursor: 0, removals: 0 };

  readonly kind: JobKind<null, number> = {
    name: 'model',
    run: async (context) => {
      const { signal } = context;
      this.holders.add(signal);
      signal.addEventListener('abort', () => this.holders.delete(signal), { once: true });
      try {
        return await this.#count(context);
      } finally {
        this.holders.delete(signal);
      }
    },
    parse: () => null,
  };

  async #count({ cursor, clock, signal, progress, save }: JobContext<null>): Promise<number> {
    const { removals } = this.world.storage;
    const from = typeof cursor === 'number' ? cursor : 0;
    if (removals === this.#confirmed.removals) expect(from).toBeGreaterThanOrEqual(this.#confirmed.cursor);
    if (from === 0 && cursor === undefined) progress({ phase: 'count', total: ITEMS });
    for (let item = from + 1; item <= ITEMS; item++) {
      await clock.sleep(500, signal);
      this.counted.add(item);
      progress({ done: 1 });
      const now = item % 4 === 0;
      // Work that goes on where nothing can be stored is what makes two runs at once.
      const saved = await save(item, { now }).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (now && saved && removals === this.world.storage.removals) this.#confirmed = { cursor: item, removals };
    }
    return ITEMS;
  }

  async take(next: Step): Promise<void> {
    if (next.do === 'pass') return this.world.clock.pass(next.milliseconds, 500);
    const process = this.processes[next.by];
    if (process === undefined) throw new Error('no such process');
    if (next.do === 'fault') this.#fail(process, next.fault, next.calls);
    else this.#act(process, next.do);
    return this.world.clock.pass(0);
  }

  #act({ jobs, connection }: Process, what: Call): void {
    const actions: Record<Call, () => unknown> = {
      start: () => this.ends.push(outcomeOf(jobs.start(this.kind, null))),
      resume: () => this.ends.push(outcomeOf(jobs.resume([this.kind], 'model'))),
      cancel: () => jobs.cancel('model').catch(() => undefined),
      list: () => jobs.list().catch(() => undefined),
      cut: () => connection.cut(),
      mend: () => connection.mend(),
    };
    actions[what]();
  }

  #fail({ connection }: Process, fault: Fault, calls: number): void {
    let left = calls;
    connection.fault = () => {
      if (left-- > 0) return fault;
      connection.mend();
      return undefined;
    };
  }

  /** From here on nothing goes wrong any more. Calls that hang take 5 s each, and those that are late 30 s. */
  async settle(): Promise<void> {
    for (const { connection } of this.processes) connection.mend();
    await this.world.clock.pass(31_000, 500);
  }
}

it('one run at a time once nothing goes wrong, no cursor is lost, and every job can be finished', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const model = new Model();
      for (const next of steps) await model.take(next);
      await model.settle();
      expect(model.holders.size).toBeLessThanOrEqual(1);

      const last = model.world.process();
      const { clock, storage } = model.world;
      if (model.holders.size > 0) await last.jobs.cancel('model');
      await clock.pass(6000, 500);
      expect(model.holders.size).toBe(0);

      const end = outcomeOf(last.jobs.start(model.kind, null));
      await clock.pass(100_000, 500);
      expect(await end).toBe('done');
      expect(model.counted.size).toBe(ITEMS);
      expect(storage.entries.size).toBe(0);
      for (const code of await Promise.all(model.ends)) expect(ENDS).toContain(code);
    }),
    { numRuns: TORTURE ? 20_000 : 150 },
  );
});
