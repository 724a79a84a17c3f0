import type { MemoryBackend } from '@securestore/backend-memory';
import type { Head } from '@securestore/core-format';
import { AREAS, decodeHead, HEAD_NAME } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { openObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { Calendar } from '../../../objects/test/simulation/calendar.ts';
import { Dice } from '../../../objects/test/simulation/dice.ts';
import { EventLog } from '../../../objects/test/simulation/event-log.ts';
import type { Focus } from '../../../objects/test/simulation/focus.ts';
import type { Image } from '../../../objects/test/simulation/image.ts';
import { backendFrom } from '../../../objects/test/simulation/image.ts';
import { Network } from '../../../objects/test/simulation/network.ts';
import type { ClockErrors } from '../../../objects/test/simulation/process.ts';
import { EPOCH, SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import { Scheduler } from '../../../objects/test/simulation/scheduler.ts';
import { drawWeather } from '../../../objects/test/simulation/weather.ts';
import type { Authenticator, ObjectAction } from '../../src/index.ts';
import { AccessControl, parsePrincipalName } from '../../src/index.ts';
import { WallClock } from './wall-clock.ts';

/** Whoever acts: a principal whom the process vouches for, or the one of an API token. */
export interface Actor {
  readonly principal: string;
  readonly token?: HeldToken;
}

/** An API token that somebody was given. */
export interface HeldToken {
  readonly id: string;
  readonly principal: string;
  readonly secret: string;
}

export type Answer = 'allowed' | 'denied' | 'unauthenticated';

/** What a process has said about the policy, by an answer that it gave. */
export interface Verdict {
  readonly process: string;
  readonly what: string;
  readonly actor: Actor;
  readonly answer: Answer;
  /** What was asked for; absent where it was only about who it is. */
  readonly action?: ObjectAction;
  readonly key?: string;
  /** The policy must have said so at an instant between these, in milliseconds since the schedule began. */
  readonly from: number;
  readonly to: number;
  /** What the process itself had changed by then was in force. */
  readonly since: number;
}

/** A change of the policy that was acknowledged. */
export interface Change {
  readonly process: string;
  readonly begun: number;
  readonly acknowledged: number;
}

/** A head of the store, and when it took the place of the one before. */
export interface LandedHead {
  readonly time: number;
  /** Whose request it was; `undefined` of the first one. */
  readonly process: string | undefined;
  readonly head: Head;
}

/** What the rules judge. */
export interface Recorded {
  readonly image: Image;
  readonly verdicts: readonly Verdict[];
  readonly changes: readonly Change[];
  readonly heads: readonly LandedHead[];
  /** The bodies of the policies, by name. */
  readonly policies: ReadonlyMap<string, Uint8Array>;
  readonly clocks: ReadonlyMap<string, WallClock>;
}

/** A process that has the store open. */
export interface Opened {
  readonly process: SimulatedProcess;
  readonly store: ObjectStore;
  readonly access: AccessControl;
}

const MINUTE = 60_000;
const { objects, policies } = AREAS;

function drawFocus(dice: Dice): Focus {
  return {
    areas: dice.pick([[HEAD_NAME], [HEAD_NAME], [policies], [objects], [HEAD_NAME, objects]]),
    requests: dice.pick(['reads', 'changes', 'all']),
    share: dice.magnitude(0.05, 0.6),
    long: 0,
  };
}

/** Everything in one schedule: time, chance, the backend, the network to it, processes, and the record of it all. */
export class World implements Recorded {
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly log: EventLog;
  readonly image: Image;
  readonly plan: { readonly focus: Focus | undefined; readonly days: false; readonly calendar: Calendar };
  readonly verdicts: Verdict[] = [];
  readonly changes: Change[] = [];
  readonly heads: LandedHead[];
  readonly policies: Map<string, Uint8Array>;
  readonly clocks = new Map<string, WallClock>();
  readonly complaints: string[] = [];
  /** API tokens that were made, whether they are good still or not. */
  readonly tokens: HeldToken[] = [];
  /** What nobody may find, since it was refused. */
  readonly refused = new Set<string>();
  readonly #network: Network;
  #count = 0;

  private constructor(image: Image, backend: MemoryBackend, scheduler: Scheduler, dice: Dice) {
    this.image = image;
    this.dice = dice;
    this.scheduler = scheduler;
    this.log = new EventLog(() => scheduler.now);
    const calendar = new Calendar([0]);
    this.plan = { focus: dice.chance(0.5) ? drawFocus(dice) : undefined, days: false, calendar };
    this.heads = [{ time: Number.NEGATIVE_INFINITY, process: undefined, head: image.head }];
    this.policies = new Map([...image.bodies].filter(([name]) => name.startsWith(policies)));
    const witness = {
      onRead: () => undefined,
      onWritten: ({ name }: SimulatedProcess, { key, body }: { key: string; body: Uint8Array }) => {
        if (key === HEAD_NAME) this.#noteHead(name, decodeHead(body).head);
        else if (key.startsWith(policies)) this.policies.set(key, body);
      },
    };
    this.#network = new Network({ scheduler, dice: dice.fork(), backend, calendar, log: this.log, witness });
  }

  static async create(seed: number, image: Image): Promise<World> {
    const dice = new Dice(seed);
    const scheduler = new Scheduler(dice.fork());
    const backend = await backendFrom(image, () => EPOCH + Math.floor(scheduler.now));
    return new World(image, backend, scheduler, dice);
  }

  /** From now on something goes wrong now and then, or nothing any more. */
  setWeather(bad: boolean): void {
    this.#network.setWeather(bad ? drawWeather(this.dice, this.plan) : undefined);
  }

  /** Starts a process that opens the store and vouches for whom it is told that somebody is. */
  async open(name: string, errors: ClockErrors): Promise<Opened> {
    const process = new SimulatedProcess(name, this.scheduler, this.dice.fork(), errors);
    this.clocks.set(name, new WallClock(errors));
    this.log.add(name, () => `starts, its clock ${Math.round(errors.skew / 1000)} s ahead`);
    const store = await openObjectStore({
      backend: this.#network.connect(process, { batches: false, silent: false }),
      url: 'memory:',
      unlock: this.image.secrets.kept,
      clock: process.clock,
      random: process.random,
      maintenance: false,
    });
    const trusting: Authenticator = {
      name: 'trusting',
      authenticate: async (credentials) => {
        const { user } = credentials as { readonly user?: string };
        return user === undefined ? undefined : { principal: parsePrincipalName(user) };
      },
    };
    const access = new AccessControl(store, extensionsOf(store).policy, { authenticators: [trusting] });
    return { process, store, access };
  }

  setClock(process: SimulatedProcess, by: number): void {
    process.setClock(by);
    this.clocks.get(process.name)?.set(this.scheduler.now, by);
    this.log.add(process.name, () => `its clock is set by ${Math.round(by / 1000)} s`);
  }

  /** Waits for a while of at most `longest` milliseconds, or for so long that all that is known is old. */
  async rest(process: SimulatedProcess, dice: Dice, longest: number): Promise<void> {
    const idle = dice.chance(0.1) ? dice.magnitude(10_000, 60 * MINUTE) : undefined;
    await process.clock.sleep(idle ?? dice.magnitude(1, longest));
  }

  /** A number that nothing else in the schedule has. */
  count(): number {
    this.#count += 1;
    return this.#count;
  }

  note(verdict: Verdict): void {
    this.verdicts.push(verdict);
    const { process, what, actor, answer, action = '', key = '' } = verdict;
    this.log.add(process, () => `${what}: ${actor.principal} is ${answer} ${action} ${key}`);
  }

  complain(complaint: string): void {
    this.complaints.push(complaint);
    this.log.add('complaint', () => complaint);
  }

  #noteHead(process: string, head: Head): void {
    this.heads.push({ time: this.scheduler.now, process, head });
    this.log.add('head', () => `generation ${head.generation} by ${process}`);
  }
}
