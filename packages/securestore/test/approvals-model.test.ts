import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SecureStore, Session } from '../src/index.ts';
import { SecureStoreError, addPrincipal, grantRole, setApprovals, setRole } from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const HOUR = 3_600_000;

/**
 * Names, whose each is taken to be by people, and whether it is anybody's: `alice` is in the policy, so that nobody else
 * has a name of its fold; the others are known by who vouches for them, also where two of them are of one fold.
 */
const PEOPLE = {
  alice: { person: 1, known: true },
  ALICE: { person: 1, known: false },
  '\uff41lice': { person: 1, known: false },
  'corp:Stra\u00dfe': { person: 2, known: true },
  'CORP:STRASSE': { person: 2, known: true },
  'corp:stra\ufb06e': { person: 3, known: true },
  'corp:bob': { person: 4, known: true },
} as const;
type Name = keyof typeof PEOPLE;
const NAMES = Object.keys(PEOPLE) as Name[];
const KEYS = ['db/a', 'db/b'] as const;

const who = fc.constantFrom(...NAMES);
const key = fc.constantFrom(...KEYS);
const which = fc.nat({ max: 5 });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('request' as const), who, key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('approve' as const), who, which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deny' as const), who, which }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('purge' as const), who, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.constantFrom(0.5, 1, 23, 24) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forbid' as const), key: fc.option(key, { nil: undefined }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Asked {
  readonly id: string;
  readonly who: Name;
  readonly key: string;
  state: 'waiting' | 'approved' | 'denied' | 'used';
  until: number;
  isOld: boolean;
}

/** What should come of each step: everything that ever was asked for, looked through from the beginning each time. */
class Model {
  readonly asked: Asked[] = [];
  forbidden: string | undefined;
  now = 0;

  mayPurge(name: Name, object: string): boolean {
    return PEOPLE[name].known && this.forbidden !== object;
  }

  decide(name: Name, request: Asked | undefined, state: 'approved' | 'denied'): string {
    if (request === undefined || request.state === 'used' || request.until <= this.now) return 'NOT_FOUND';
    if (!PEOPLE[name].known || PEOPLE[name].person === PEOPLE[request.who].person) return 'ACCESS_DENIED';
    if (request.state === 'denied' || request.state === state) return 'CONFLICT';
    request.state = state;
    if (state === 'approved') request.until = this.now + HOUR;
    return 'done';
  }

  /** What was asked for is of what was there before, and passes nothing any more. */
  changed(object: string): void {
    for (const one of this.asked) if (one.key === object) one.isOld = true;
  }

  purge(name: Name, object: string): string {
    if (!this.mayPurge(name, object)) return 'ACCESS_DENIED';
    const found = this.asked.find(
      (one) => one.state === 'approved' && one.who === name && one.key === object && one.until > this.now && !one.isOld,
    );
    if (found === undefined) return 'ACCESS_DENIED';
    found.state = 'used';
    return 'done';
  }
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (SecureStoreError.is(error) ? error.code : String(error)),
  );
}

const ALL = { effect: 'allow', actions: ['*'] } as const;

class Run {
  readonly model = new Model();
  readonly #world = new PeoplesWorld();
  readonly #sessions = new Map<Name, Session>();
  #store: SecureStore | undefined;

  async begin(): Promise<void> {
    const store = await this.#world.open();
    await store.access.change([
      setRole('all', [ALL]),
      addPrincipal('alice', 'user'),
      grantRole('alice', 'all'),
      setApprovals([{ actions: ['purge'] }]),
    ]);
    for (const name of KEYS) await store.store(name, 'there');
    for (const name of NAMES) this.#sessions.set(name, await as(store, name, 'all'));
    this.#store = store;
  }

  #session(name: Name): Session {
    const session = this.#sessions.get(name);
    if (session === undefined) throw new Error('not begun');
    return session;
  }

  async take(taken: Step): Promise<void> {
    const { model } = this;
    if (taken.do === 'wait') {
      this.#world.clock.advance(taken.hours * HOUR);
      model.now += taken.hours * HOUR;
    } else if (taken.do === 'forbid') {
      const deny =
        taken.key === undefined ? [] : [{ effect: 'deny' as const, actions: ['purge' as const], keys: [taken.key] }];
      await this.#store?.access.change(setRole('all', [ALL, ...deny]));
      model.forbidden = taken.key;
    } else if (taken.do === 'request') {
      const asking = this.#session(taken.who).approvals.request('purge', taken.key);
      expect(await outcomeOf(asking)).toBe(model.mayPurge(taken.who, taken.key) ? 'done' : 'ACCESS_DENIED');
      const made = await asking.catch(() => undefined);
      if (made !== undefined)
        model.asked.push({
          id: made.id,
          who: taken.who,
          key: taken.key,
          state: 'waiting',
          until: model.now + 24 * HOUR,
          isOld: false,
        });
    } else if (taken.do === 'purge') {
      // What is purged is there again: to purge what is not takes nobody.
      const outcome = await outcomeOf(this.#session(taken.who).purge(taken.key));
      expect(outcome).toBe(model.purge(taken.who, taken.key));
      if (outcome === 'done') {
        await this.#store?.store(taken.key, 'again');
        model.changed(taken.key);
      }
    } else {
      const request = model.asked[taken.which];
      const deciding = this.#session(taken.who).approvals[taken.do](request?.id ?? 'AAAAAAAAAAA');
      const state = taken.do === 'approve' ? 'approved' : 'denied';
      expect(await outcomeOf(deciding)).toBe(model.decide(taken.who, request, state));
    }
  }
}

// T-CALLER-03
test('approvals do what a slow reading of everything that was asked for says', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
      const run = new Run();
      await run.begin();
      for (const taken of steps) await run.take(taken);
    }),
    { numRuns: sized({ short: 10, full: 40, torture: 2000 }) },
  );
});
