import { SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../../../src/engine/engine.ts';
import type { JournalFinding } from '../../../src/journal/alarms.ts';
import type { Consumer } from '../../../src/journal/consumer.ts';
import { CONSUMER_EXPIRES_AFTER } from '../../../src/engine/journal-limits.ts';
import { openConsumer } from '../../../src/journal/open-consumer.ts';
import type { Dice } from '../dice.ts';
import { Ledger } from '../ledger.ts';
import type { SimulatedProcess } from '../process.ts';
import { EPOCH } from '../process.ts';
import type { World } from '../world.ts';
import { openPatiently } from './client.ts';
import { trouble } from './trouble.ts';

/** Errors that leave a consumer no more than to try again later. */
const PASSING: readonly string[] = ['UNAVAILABLE', 'LOCKED', 'CONFLICT'];

/** What a consumer may be early by: its state was last written before it learned of that, and clocks drift. */
const MARGIN = 60 * 60_000;

type Step = 'poll' | 'cut' | 'pass' | 'heartbeat';

/** One process that reads the journal as a consumer, and keeps what it learns in the ledger. */
export class Reader {
  readonly #world: World;
  readonly #process: SimulatedProcess;
  readonly #ledger: Ledger;
  readonly #engine: Engine;
  #consumer: Consumer | undefined;

  constructor(world: World, process: SimulatedProcess, ledger: Ledger, engine: Engine) {
    this.#world = world;
    this.#process = process;
    this.#ledger = ledger;
    this.#engine = engine;
  }

  /** @returns whether all of it was done */
  async take(step: Step, confirms: boolean): Promise<boolean> {
    try {
      this.#consumer ??= await openConsumer(this.#engine, this.#ledger.label);
      await this.#take(this.#consumer, step);
      if (confirms) await this.#confirm(this.#consumer);
      return true;
    } catch (error) {
      const { log } = this.#world;
      log.add(this.#process.name, () => `${step}: ${String(error)}`);
      // What a process before it has sent may have come between.
      if (SecureStoreError.is(error, 'CONFLICT')) this.#consumer = undefined;
      if (SecureStoreError.is(error) && this.#world.isElsewhere(error) !== undefined) {
        this.#consumer = undefined;
        return false;
      }
      if (!SecureStoreError.is(error) || !PASSING.includes(error.code)) {
        this.#world.complain(`${this.#process.name} failed: ${String(error)}`);
      }
      return false;
    }
  }

  async #take(journal: Consumer, step: Step): Promise<void> {
    if (step === 'heartbeat') {
      await journal.heartbeat();
      // One that has expired stays so for those who judge it until it has made its pass.
      if (!journal.passDue) this.#ledger.alive = this.#world.scheduler.now;
      return;
    }
    if (journal.passDue || step === 'pass') await this.#pass(journal);
    await this.#poll(journal);
    // What an alarm or its own absence asks for comes first.
    if (step !== 'cut' || journal.passDue) return;
    const { time, alarms } = await journal.cut(this.#ledger.take);
    this.#note(alarms);
    if (journal.passDue) return;
    this.#ledger.publish(time - EPOCH, this.#world.scheduler.now);
    this.#world.log.add(this.#process.name, () => `publishes the cut of ${time - EPOCH}`);
  }

  async #pass(journal: Consumer): Promise<void> {
    const { scheduler } = this.#world;
    const ledger = this.#ledger;
    const begun = scheduler.now;
    if (journal.passDue && ledger.settled && begun - ledger.alive < CONSUMER_EXPIRES_AFTER - MARGIN) {
      this.#world.complain(`${this.#process.name} owes a pass without a reason`);
    }
    this.#note(await journal.pass(ledger.take, { known: ledger.sorted(), onGone: ledger.drop }));
    ledger.passed = begun;
    ledger.settled = false;
  }

  async #poll(journal: Consumer): Promise<void> {
    for (let more = true; more;) {
      const poll = await journal.poll({ limit: 3 });
      for (const change of poll.changes) this.#ledger.take(change);
      this.#note(poll.alarms);
      ({ more } = poll);
    }
  }

  async #confirm(journal: Consumer): Promise<void> {
    // It may learn days later that it has been heard.
    const sent = this.#world.scheduler.now;
    await journal.commit();
    this.#ledger.alive = sent;
    this.#ledger.settled = this.#ledger.passed !== undefined && !journal.passDue;
    this.#world.log.add(this.#process.name, () => 'confirms what it has read');
  }

  #note(alarms: readonly JournalFinding[]): void {
    this.#ledger.alarms.push(...alarms.map(({ message }) => message));
  }
}

async function live(world: World, process: SimulatedProcess, ledger: Ledger, dice: Dice): Promise<void> {
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  const reader = new Reader(world, process, ledger, opened.engine);
  for (let steps = 3 + dice.below(8); steps > 0; steps--) {
    await world.rest(process, dice, 2000);
    const step = dice.pick(['poll', 'poll', 'poll', 'cut', 'cut', 'cut', 'cut', 'pass', 'heartbeat'] as const);
    await reader.take(step, dice.chance(0.8));
  }
}

/** A consumer of the journal in up to three processes, each of which begins where the one before it is killed. */
export async function consumer(world: World, dice: Dice, length: number): Promise<void> {
  const ledger = new Ledger('consumer');
  world.ledgers.push(ledger);
  let before: SimulatedProcess | undefined;
  for (let lives = 1 + dice.below(3); lives > 0; lives--) {
    before?.kill();
    const process = world.startProcess(`consumer ${lives}`, { skew: dice.between(-5, 5) * 60_000, drift: 0 });
    trouble(world, process, dice.fork(), length);
    live(world, process, ledger, dice.fork()).catch((error: unknown) => world.complain(String(error)));
    before = process;
    const later = world.plan.calendar.untilLater(dice, world.scheduler.now);
    await world.scheduler.sleep(later ?? dice.between(0, length) + 10_000);
  }
}

/** Reads a journal to its end once nothing happens any more. */
export async function lastReading(world: World, ledger: Ledger): Promise<void> {
  const process = world.startProcess(`last ${ledger.label}`, { skew: 0, drift: 0 });
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  const reader = new Reader(world, process, ledger, opened.engine);
  for (let tries = 0; tries < 5; tries++) if (await reader.take('cut', true)) return;
  world.complain('the journal can not be read to its end');
}
