import type { Head } from '@securestore/core-format';
import type { Snare } from '../../../objects/test/simulation/network.ts';
import type { SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import type { Player } from '../../../objects/test/simulation/scenarios/stage.ts';
import { SECOND, Stage } from '../../../objects/test/simulation/scenarios/stage.ts';
import type { Fate } from '../../../objects/test/simulation/weather.ts';
import { live } from './migrator.ts';
import type { MigrationWorld, Site } from './world.ts';

type Request = Pick<Snare, 'operation' | 'prefix'>;

/** From the announcement of a move to its end less than this passes where nothing goes wrong, in milliseconds. */
const MOVED_WITHIN: number = 15 * SECOND;

/** How often a process looks whether the store has moved. */
const LOOK_EVERY = 300;
const MAX_LOOKS = 300;

/** A move that is under way. */
interface Moving {
  readonly process: SimulatedProcess;
  readonly moved: Promise<boolean>;
}

/** Where a scenario is played in which a store moves from the first place to the second. */
export class MoveStage extends Stage {
  declare readonly world: MigrationWorld;

  get from(): Site {
    return this.world.sites[0];
  }

  get to(): Site {
    return this.world.sites[1];
  }

  /** Begins to move the store. */
  move(name = 'migrator', places: readonly [Site, Site] = [this.from, this.to]): Moving {
    const { world, dice } = this;
    const process = world.startProcess(name, { skew: dice.between(-5, 5) * 60_000, drift: 0 });
    this.processes.push(process);
    world.migrators.push(process);
    return { process, moved: live(world, process, dice.fork(), places) };
  }

  /** @returns once a place has a head that fits */
  head(at: Site, fits: (head: Head) => boolean): Promise<void> {
    return this.world.landed((head, site) => site === at && fits(head));
  }

  /** @returns once everybody is told that the store is about to close */
  announced(): Promise<void> {
    return this.head(this.from, ({ state, migration }) => state === 'open' && migration?.stage === 'announced');
  }

  /** Waits until what is sent arrives before the store closes, and what is answered some seconds later comes after that. */
  async isAboutToClose(): Promise<void> {
    await this.announced();
    await this.pass(this.dice.between(2, 5) * SECOND);
  }

  /** Decides about the next request of a process to a place that fits. @returns once it is sent */
  meets(process: SimulatedProcess, at: Site, request: Request, fate: Fate): Promise<void> {
    return at.network.catchNext({ process, ...request, fate });
  }

  /** Has the next request that fits refused, which its sender learns for sure. */
  refuses(process: SimulatedProcess, at: Site, request: Request): void {
    const fate = { name: 'refused', arrivals: [], fails: { after: this.latency(), certain: true } };
    void this.meets(process, at, request, fate);
  }

  /** Has a process die when the next request that fits has left it. */
  diesAt(process: SimulatedProcess, at: Site, request: Request): void {
    const kill = (): void => void this.world.scheduler.after(0, () => process.kill());
    const fate = { name: 'its last', arrivals: [this.latency()], answer: this.latency() };
    void this.meets(process, at, request, fate).then(kill);
  }

  /** Of an object that the schedule is about, once somebody has opened the store. */
  tokenOf(key: string): string {
    return this.world.tokens.get(key) ?? '';
  }

  /** Of a request that arrives as any other, and is answered when the store has moved. */
  answeredAfterwards(): Fate {
    const answer = MOVED_WITHIN + this.dice.between(0, 20) * SECOND;
    return { name: 'answered when the store has moved', arrivals: [this.latency()], answer };
  }

  /** Another thread of a process, which goes on until the store has moved and this process has followed it. */
  async follows(player: Player, to: Site = this.to): Promise<void> {
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const moved = this.world.site === to;
      const { type } = await player.do('b', { type: 'has' });
      if (moved && type === 'ok') return;
      await this.pass(LOOK_EVERY);
    }
    throw new Error('the store has not moved');
  }
}
