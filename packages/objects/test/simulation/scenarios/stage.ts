import { rawKey } from '@securestore/crypto';
import type { RotationDepth } from '../../../src/index.ts';
import { collectOnce } from '../actors/collector.ts';
import { Reader } from '../actors/consumer.ts';
import { openPatiently } from '../actors/client.ts';
import { perform } from '../actors/perform.ts';
import type { Dice } from '../dice.ts';
import { Ledger } from '../ledger.ts';
import type { Snare } from '../network.ts';
import type { Action, Outcome } from '../operations.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Fate } from '../weather.ts';
import type { Opened, World } from '../world.ts';

export const SECOND = 1000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** Below what the engine refuses to write with, after two weeks in which clocks drift. */
const MOST_SKEW = 6 * MINUTE;

type Request = Pick<Snare, 'operation' | 'prefix'>;

/** A process in a scenario, which does what the scenario says. */
export class Player {
  readonly process: SimulatedProcess;
  readonly #stage: Stage;
  readonly #opened: Opened;

  constructor(stage: Stage, process: SimulatedProcess, opened: Opened) {
    this.#stage = stage;
    this.process = process;
    this.#opened = opened;
  }

  /** Does one operation about an object. */
  do(key: string, action: Action): Promise<Outcome> {
    return perform(this.#stage.world, this.process, this.#opened.store, key, action);
  }

  /** Stores something. @returns its version */
  async store(key: string, size = 12): Promise<string> {
    return versionIn(await this.do(key, { type: 'store', size }));
  }

  async collect(asJob = false): Promise<void> {
    await collectOnce(this.#stage.world, this.process, this.#opened, asJob);
  }

  /** Rotates the keys of the store. */
  async rotate(depth: RotationDepth): Promise<void> {
    const { dice, world } = this.#stage;
    await this.#opened.store.rotateEncryptionKey(world.secrets.rotated, rawKey(dice.bytes(32)), { depth });
  }

  /** A consumer of the journal in this process. */
  reader(ledger: Ledger): Reader {
    return new Reader(this.#stage.world, this.process, ledger, this.#opened.engine);
  }

  /** Stops when the next request that fits has left it, until it is told to go on. @returns once it has stopped */
  async stopsAt(request: Request): Promise<void> {
    const { dice, latency } = this.#stage;
    const how = dice.pick(['pause', 'suspend'] as const);
    await this.meets(request, {
      name: 'the last before it stops',
      arrivals: [latency()],
      answer: latency(),
      stops: { how },
    });
    // The request is to arrive before anything else happens.
    await this.#stage.pass(SECOND);
  }

  /** Decides about the next request that fits. @returns once it is sent */
  meets(request: Request, fate: Fate): Promise<void> {
    return this.#stage.world.network.catchNext({ process: this.process, ...request, fate });
  }
}

export function versionIn(outcome: Outcome): string {
  if (outcome.type !== 'ok' || outcome.content?.version === undefined) throw new Error('it made no version');
  return outcome.content.version;
}

/** Where a scenario is played: opens processes, and lets time pass. */
export class Stage {
  readonly world: World;
  readonly dice: Dice;
  readonly processes: SimulatedProcess[] = [];

  constructor(world: World) {
    this.world = world;
    this.dice = world.dice.fork();
  }

  /** How long a request is under way that nothing holds up. */
  readonly latency = (): number => this.dice.magnitude(1, 60);

  /** A process that has the store open. @param skew by default any that does not keep it from writing */
  async player(name: string, skew: number = this.dice.between(-MOST_SKEW, MOST_SKEW)): Promise<Player> {
    const process = this.world.startProcess(name, { skew, drift: this.dice.between(-0.0002, 0.0002) });
    this.processes.push(process);
    const opened = await openPatiently(this.world, process);
    if (opened === undefined) throw new Error(`${name} can't open the store`);
    return new Player(this, process, opened);
  }

  /** One whose clock is right, since what it does depends on no clock. */
  collector(name: string): Promise<Player> {
    return this.player(name, 0);
  }

  ledger(): Ledger {
    const ledger = new Ledger('consumer');
    this.world.ledgers.push(ledger);
    return ledger;
  }

  /** Lets some time pass, and up to a tenth more. */
  pass(milliseconds: number): Promise<void> {
    return this.world.scheduler.sleep(milliseconds * this.dice.between(1, 1.1));
  }
}
