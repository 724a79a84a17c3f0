import { forwardTo } from '@securestore/backend-api';
import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import type { MemoryBackend } from '@securestore/backend-memory';
import type { Head } from '@securestore/core-format';
import { AREAS, SecureStoreError, splitUnderToken } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { MigrationTargets, ObjectStore } from '@securestore/objects';
import { Dice } from '../../../objects/test/simulation/dice.ts';
import type { Image } from '../../../objects/test/simulation/image.ts';
import { backendFrom } from '../../../objects/test/simulation/image.ts';
import type { Network } from '../../../objects/test/simulation/network.ts';
import type { Operation, Outcome } from '../../../objects/test/simulation/operations.ts';
import type { ClockErrors, SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import { EPOCH } from '../../../objects/test/simulation/process.ts';
import { Scheduler } from '../../../objects/test/simulation/scheduler.ts';
import type { Weather } from '../../../objects/test/simulation/weather.ts';
import type { LandedHead, Opened } from '../../../objects/test/simulation/world.ts';
import { World } from '../../../objects/test/simulation/world.ts';
import { openParts } from '../../../objects/src/store/open.ts';
import type { MigrationReport } from '../../src/index.ts';
import { Etags } from './etags.ts';
import type { MigrationPlan } from './plan.ts';

/** A place where the store may be. */
export interface Site {
  readonly url: string;
  readonly backend: MemoryBackend;
  readonly network: Network;
  readonly heads: LandedHead[];
  readonly etags: Etags;
}

/** A listing of all names, as it was answered. */
export interface Listing {
  readonly process: string;
  readonly invoked: number;
  readonly returned: number;
  readonly keys: readonly string[];
}

/** A request that has left a process. */
interface Sent {
  readonly time: number;
  /** Which of the connections of its process, counted. */
  readonly connection: number;
  readonly what: string;
  readonly key: string;
}

/** A connection of a process to a place. */
interface Connection {
  readonly site: Site;
  readonly sent: Sent[];
}

/** A store that a process has open, and by what it reaches it. */
export interface Follower {
  readonly store: ObjectStore;
  readonly connections: readonly Connection[];
}

/** Where an operation ended, by what its process knew. */
interface Ended {
  readonly site: Site;
  /** The connection by which the process reached it. */
  readonly connection: number;
}

/** Somebody who waits for a head. */
interface Waiting {
  readonly fits: (head: Head, site: Site) => boolean;
  readonly resolve: () => void;
}

/** The store was at a place from this time on. */
interface Stay {
  readonly site: Site;
  readonly from: number;
}

/** Something that is wrong with what lies at a name. */
interface Found {
  readonly name: string;
  readonly message: string;
}

const tokenOf = ({ name }: Found): string | undefined =>
  (splitUnderToken(AREAS.history, name) ?? splitUnderToken(AREAS.blobs, name))?.token;

const STORE_URLS = ['memory:one', 'memory:two'] as const;

/** As {@link World}, with two places between which the store moves. */
export class MigrationWorld extends World {
  declare readonly plan: MigrationPlan;
  readonly sites: readonly [Site, Site];
  /** Where the store has been, in order: it moves when the head of the place that it leaves says so. */
  readonly stays: Stay[];
  readonly followers = new Map<string, Follower>();
  readonly ended = new Map<number, Ended>();
  /** Processes that have moved the store, or have tried to. */
  readonly migrators: SimulatedProcess[] = [];
  readonly listings: Listing[] = [];
  /** Where processes open the store that do not choose by chance, by name. */
  readonly homes = new Map<string, Site>();
  /** Whether nothing goes wrong any more, and everybody may follow. */
  calm = false;
  readonly #chance: Dice;
  #waiting: Waiting[] = [];
  #announced = 0;

  private constructor(
    plan: MigrationPlan,
    image: Image,
    [first, second]: readonly [MemoryBackend, MemoryBackend],
    scheduler: Scheduler,
    dice: Dice,
  ) {
    super(plan, image, first, scheduler, dice);
    this.#chance = dice.fork();
    const [one, two] = STORE_URLS;
    const network = this.networkTo(first, (head) => this.#landed(this.sites[0], head));
    const other = this.networkTo(second, (head) => this.#landed(this.sites[1], head));
    this.sites = [
      { url: one, backend: first, network, heads: this.heads, etags: new Etags() },
      { url: two, backend: second, network: other, heads: [], etags: new Etags() },
    ];
    this.stays = [{ site: this.sites[0], from: -Infinity }];
  }

  static async at(seed: number, plan: MigrationPlan, image: Image): Promise<MigrationWorld> {
    const dice = new Dice(seed);
    const scheduler = new Scheduler(dice.fork());
    const clock = (): number => EPOCH + Math.floor(scheduler.now);
    const first = await backendFrom(image, clock);
    const second = await backendFrom({ ...image, bodies: new Map() }, clock);
    const world = new MigrationWorld(plan, image, [first, second], scheduler, dice);
    const { batches, parts } = plan;
    world.log.add('world', () => `seed ${seed}, ${batches ? 'with' : 'without'} batches, ${[...parts].join(', ')}`);
    return world;
  }

  /** Where the store is. */
  get site(): Site {
    return this.stays.at(-1)?.site ?? this.sites[0];
  }

  /** Where it is not. */
  get otherSite(): Site {
    return this.siteOf(this.site.url === STORE_URLS[0] ? STORE_URLS[1] : STORE_URLS[0]);
  }

  siteOf(url: string): Site {
    const [one, two] = this.sites;
    return url === one.url ? one : two;
  }

  setWeather(weather: Weather | undefined): void {
    for (const { network } of this.sites) network.setWeather(weather);
  }

  /** @returns once the store has been announced to move so many times */
  announced(times: number): Promise<void> {
    return this.landed(() => this.#announced === times);
  }

  /** @returns once a head has landed that fits */
  landed(fits: Waiting['fits']): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ fits, resolve });
    });
  }

  #landed(site: Site, head: Head): void {
    site.heads.push({ time: this.scheduler.now, head });
    const { generation, state, migration } = head;
    if (!this.calm && state === 'open' && migration?.stage === 'announced') this.#announced += 1;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ fits }) => !fits(head, site));
    for (const one of waiting) if (!this.#waiting.includes(one)) one.resolve();
    this.log.add('head', () => `${site.url}: generation ${generation} ${state} ${migration?.stage ?? ''}`);
    if (state !== 'moved' || site !== this.site) return;
    const next = this.otherSite;
    this.log.add('head', () => `the store has moved to ${next.url}`);
    this.stays.push({ site: next, from: this.scheduler.now });
    this.backend = next.backend;
  }

  override startProcess(name: string, errors: ClockErrors): SimulatedProcess {
    this.followers.delete(name);
    return super.startProcess(name, errors);
  }

  /** A place as a process reaches it, by a connection of its own. */
  connect(process: SimulatedProcess, site: Site, connections: Connection[]): StorageBackend {
    const connection = connections.length;
    const sent: Sent[] = [];
    connections.push({ site, sent });
    const inner = site.network.connect(process, this.plan);
    const note = (what: string, key: string): void => {
      sent.push({ time: this.scheduler.now, connection, what, key });
    };
    const { etags } = site;
    const outer = forwardTo(inner, {
      async read(key, options) {
        note('read', key);
        const found = await inner.read(key, options);
        return found && etags.shown(key, found);
      },
      async write(key, body, options) {
        note('write', key);
        return etags.shown(key, await inner.write(key, body, options && etags.own(key, options)));
      },
      async delete(key, options) {
        note('delete', key);
        await inner.delete(key, options && etags.own(key, options));
      },
      async list(prefix, options) {
        note('list', prefix);
        return inner.list(prefix, options);
      },
    });
    if (inner.batch !== undefined) {
      outer.batch = async (operations, options) => {
        for (const { key } of operations) note('batch', key);
        const own = operations.map((operation): BatchOperation => etags.own(operation.key, operation));
        const results = (await inner.batch?.(own, options)) ?? [];
        return results.map((result, at) => result && etags.shown(operations[at]?.key ?? '', result));
      };
    }
    return outer;
  }

  override async open(process: SimulatedProcess, unlock: UnlockMethod): Promise<Opened> {
    const follows = this.calm || this.#chance.chance(this.plan.follows);
    // Where it was first, or where it is said to be by now.
    const home = this.homes.get(process.name) ?? (this.#chance.chance(0.7) ? this.sites[0] : this.site);
    const connections: Connection[] = [];
    const backend = this.connect(process, home, connections);
    const targets: MigrationTargets = {
      urls: this.sites.map(({ url }) => url),
      connect: async (url) => ({
        backend: this.connect(process, this.siteOf(url), connections),
        url,
      }),
    };
    const { clock, random } = process;
    const parts = await openParts({
      backend,
      url: home.url,
      unlock,
      clock,
      random,
      maintenance: false,
      ...(follows && { targets }),
    });
    const opened = this.opened(process, parts);
    const { url } = opened.store;
    this.log.add(process.name, () => `opens ${url}${follows ? '' : ', and does not follow'}`);
    this.followers.set(process.name, { store: opened.store, connections });
    return opened;
  }

  override isElsewhere(error: SecureStoreError): 'for now' | 'for good' | undefined {
    // Consumers are registered in each place anew.
    if (error.code === 'NOT_FOUND' && error.message.endsWith('is not registered') && this.stays.length > 1)
      return 'for now';
    if (error.code !== 'LOCKED') return undefined;
    return error.retryable ? 'for now' : 'for good';
  }

  override end(operation: Operation, outcome: Outcome): void {
    super.end(operation, outcome);
    const follower = this.followers.get(operation.process);
    if (follower === undefined) return;
    const site = this.siteOf(follower.store.url);
    const connection = follower.connections.findLastIndex((one) => one.site === site);
    this.ended.set(operation.id, { site, connection });
  }

  /** Of what was found, what is not left by a purge that never came to its end: versions, of which the payloads may be gone. */
  unexplained<F extends Found>(found: readonly F[]): F[] {
    if (this.plan.habits.purges === 0) return [...found];
    const isLeft = ({ message }: F): boolean => message.includes('a version from before a purge exists');
    const purged = new Set(found.filter(isLeft).map(tokenOf));
    const isPayload = (one: F): boolean =>
      one.message.endsWith('of the payload is missing') && purged.has(tokenOf(one));
    return found.filter((one) => !isLeft(one) && !isPayload(one));
  }

  /** Judges what a migration has reported. */
  report(process: SimulatedProcess, report: MigrationReport, [from, to]: readonly [Site, Site]): void {
    this.log.add(process.name, () => `${from.url} -> ${to.url}: ${JSON.stringify(report)}`);
    if (report.migrated && !this.stays.some(({ site }) => site === to)) {
      this.complain(`${process.name} says that it has moved the store to ${to.url}, where it has never been`);
    }
    for (const { name, code, message } of this.unexplained(report.failed)) {
      this.complain(`moving ${name} failed: ${code}: ${message}`);
    }
    for (const alarm of report.findings) this.complain(`an alarm of ${process.name}: ${alarm}`);
  }

  override complain(complaint: string): void {
    // A consumer does not go with the store: in the new place it begins with a pass.
    if (complaint.endsWith('owes a pass without a reason') && this.stays.length > 1) return;
    super.complain(complaint);
  }
}
