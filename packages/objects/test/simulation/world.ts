import { ancestorsAfter } from '../../src/head/ancestry.ts';
import type { MemoryBackend } from '@securestore/backend-memory';
import {
  AREAS,
  decodeHead,
  encodeBase32,
  HEAD_NAME,
  parseStoreKey,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { Engine } from '../../src/engine/engine.ts';
import { ObjectStore } from '../../src/index.ts';
import type { ObjectStoreParts } from '../../src/store/object-store.ts';
import { openParts } from '../../src/store/open.ts';
import { versionOf } from '../../src/record/open-record.ts';
import { Dice } from './dice.ts';
import { EventLog } from './event-log.ts';
import type { Image, Secrets } from './image.ts';
import { backendFrom } from './image.ts';
import type { Ledger } from './ledger.ts';
import type { Witness } from './network.ts';
import { Network } from './network.ts';
import type { Action, Content, Operation, Outcome } from './operations.ts';
import { describeAction, describeOutcome } from './operations.ts';
import type { Plan } from './plan.ts';
import type { ClockErrors } from './process.ts';
import { EPOCH, SimulatedProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

/** A head of the store, and when it took the place of the one before. */
export interface LandedHead {
  readonly time: number;
  readonly head: Head;
}

/** A current record that took the place of another one, or of nothing. */
export interface Landing {
  readonly process: string;
  /** When the request was sent, and when it took effect. */
  readonly sent: number;
  readonly time: number;
  readonly token: string;
  readonly version: string;
  readonly deleted: boolean;
}

/** The removal of a slot as it was reported done. */
export interface Removal {
  readonly slot: string;
  readonly reported: number;
}

/** A store that a process has open. */
export interface Opened {
  readonly store: ObjectStore;
  readonly engine: Engine;
}

/** What lies at the backend in the end that should not, or does not though it should. */
export interface Remains {
  readonly missing: readonly string[];
  readonly unreachable: readonly string[];
  readonly markers: readonly string[];
}

/** What the rules judge: everything that was observed in one schedule. */
export interface Recorded {
  readonly plan: Plan;
  readonly landings: readonly Landing[];
  readonly ledgers: readonly Ledger[];
  readonly removals: readonly Removal[];
  readonly remains: Remains;
  /** The slot by which each process has opened the store. */
  readonly slots: ReadonlyMap<string, string>;
  /** The token of each key. */
  readonly tokens: ReadonlyMap<string, string>;
  readonly operations: readonly Operation[];
  readonly heads: readonly LandedHead[];
  /** When reads of the head by each process took effect at the backend, in order. */
  readonly headReads: ReadonlyMap<string, readonly number[]>;
  /** How far the wall clock of each process was ahead, and from when on. */
  readonly clockErrors: ReadonlyMap<string, readonly { readonly from: number; readonly error: number }[]>;
  /** Whether a rotation was reported to have brought everything under the new keys. */
  readonly rotated: boolean;
  /** The ids of the key versions that seal new records in the end. */
  readonly primaries: ReadonlySet<string>;
  /** What actors found wrong themselves. */
  readonly complaints: readonly string[];
}

/** Everything in one schedule: time, chance, the backend, the network to it, processes, and the record of it all. */
export class World implements Recorded {
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly log: EventLog;
  readonly network: Network;
  /** Where the store is. */
  backend: MemoryBackend;
  readonly plan: Plan;
  readonly operations: Operation[] = [];
  readonly landings: Landing[] = [];
  readonly ledgers: Ledger[] = [];
  readonly removals: Removal[] = [];
  readonly slots = new Map<string, string>();
  readonly tokens = new Map<string, string>();
  readonly heads: LandedHead[];
  readonly headReads = new Map<string, number[]>();
  readonly clockErrors = new Map<string, { from: number; error: number }[]>();
  readonly complaints: string[] = [];
  readonly primaries = new Set<string>();
  remains: Remains = { missing: [], unreachable: [], markers: [] };
  rotated = false;
  /** The versions of each key that anybody has seen, with what they hold. */
  readonly seen = new Map<string, Content[]>();
  readonly secrets: Secrets;
  readonly guestSlot: string;
  readonly #image: Image;

  protected constructor(plan: Plan, image: Image, backend: MemoryBackend, scheduler: Scheduler, dice: Dice) {
    this.dice = dice;
    this.plan = plan;
    this.scheduler = scheduler;
    this.backend = backend;
    this.#image = image;
    this.secrets = image.secrets;
    this.guestSlot = image.guestSlot;
    this.log = new EventLog(() => scheduler.now);
    this.heads = [{ time: -Infinity, head: image.head }];
    this.network = this.networkTo(backend, (head) => this.#noteHead(head));
  }

  /** What lies between the processes and a backend. @param onHead told of each head that lands there */
  protected networkTo(backend: MemoryBackend, onHead: (head: Head) => void): Network {
    const { scheduler, dice, log } = this;
    const witness: Witness = {
      onRead: ({ name }, key) => {
        if (key === HEAD_NAME) this.headReads.get(name)?.push(scheduler.now);
      },
      onWritten: ({ name }, { key, body }, sent) => {
        if (key === HEAD_NAME) onHead(decodeHead(body).head);
        else if (key.startsWith(AREAS.objects)) this.#noteRecord(name, key.slice(AREAS.objects.length), body, sent);
      },
    };
    return new Network({ scheduler, dice: dice.fork(), backend, calendar: this.plan.calendar, log, witness });
  }

  static async create(seed: number, plan: Plan, image: Image): Promise<World> {
    const dice = new Dice(seed);
    const scheduler = new Scheduler(dice.fork());
    const backend = await backendFrom(image, () => EPOCH + Math.floor(scheduler.now));
    const world = new World(plan, image, backend, scheduler, dice);
    const { batches, parts } = plan;
    world.log.add('world', () => `seed ${seed}, ${batches ? 'with' : 'without'} batches, ${[...parts].join(', ')}`);
    return world;
  }

  startProcess(name: string, errors: ClockErrors): SimulatedProcess {
    const process = new SimulatedProcess(name, this.scheduler, this.dice.fork(), errors);
    this.headReads.set(name, []);
    this.clockErrors.set(name, [{ from: 0, error: errors.skew }]);
    this.log.add(name, () => `starts, its clock ${Math.round(errors.skew / 1000)} s ahead`);
    return process;
  }

  /** Sets the wall clock of a process. */
  setClock(process: SimulatedProcess, by: number): void {
    process.setClock(by);
    this.clockErrors.get(process.name)?.push({ from: this.scheduler.now, error: process.clockError });
    this.log.add(process.name, () => `its clock is set by ${Math.round(by / 1000)} s`);
  }

  /** Opens the store in a process. */
  async open(process: SimulatedProcess, unlock: UnlockMethod): Promise<Opened> {
    const backend = this.network.connect(process, this.plan);
    const { clock, random } = process;
    const parts = await openParts({ backend, url: 'memory:', unlock, clock, random, maintenance: false });
    return this.opened(process, parts);
  }

  protected opened(process: SimulatedProcess, parts: ObjectStoreParts): Opened {
    const { engine } = parts;
    this.slots.set(process.name, encodeBase32(engine.monitor.state.unlocked.id));
    for (const key of this.plan.habits.keys) this.tokens.set(key, engine.names.locate(parseStoreKey(key)).token);
    return { store: new ObjectStore(parts), engine };
  }

  /** Whether a process may have been refused by a store that is not where it was, or is to open somewhere. */
  isElsewhere(_error: SecureStoreError): 'for now' | 'for good' | undefined {
    return undefined;
  }

  /** Waits until a process does something again: for a while of at most `longest` milliseconds, or for a later burst. */
  async rest(process: SimulatedProcess, dice: Dice, longest: number): Promise<void> {
    const later = dice.chance(0.3) ? this.plan.calendar.untilLater(dice, this.scheduler.now) : undefined;
    await process.clock.sleep(later ?? dice.magnitude(1, longest));
  }

  /** Lets a new head take the place of the current one, at this moment. */
  async landHead(revise: (head: Head) => Partial<Head>): Promise<void> {
    const current = this.heads.at(-1)?.head ?? this.#image.head;
    const revised = { generation: current.generation + 1, ancestors: ancestorsAfter(current), ...revise(current) };
    const head: Head = { ...current, ...revised };
    await this.backend.write(HEAD_NAME, this.#image.sign(head));
    this.#noteHead(head);
  }

  #noteHead(head: Head): void {
    this.heads.push({ time: this.scheduler.now, head });
    this.log.add('head', () => `generation ${head.generation} ${head.state}`);
  }

  #noteRecord(process: string, token: string, body: Uint8Array, sent: number): void {
    const { header } = splitRecord(body);
    const deleted = header.kind === 'tombstone';
    this.landings.push({ process, sent, time: this.scheduler.now, token, version: versionOf(header), deleted });
  }

  begin(process: SimulatedProcess, key: string, action: Action): Operation {
    const operation: Operation = {
      id: this.operations.length,
      process: process.name,
      key,
      action,
      invoked: this.scheduler.now,
      returned: Number.POSITIVE_INFINITY,
      outcome: { type: 'unknown', code: undefined, message: 'it never returned' },
    };
    this.operations.push(operation);
    this.log.add(process.name, () => `#${operation.id} ${key}: ${describeAction(action)}`);
    return operation;
  }

  end(operation: Operation, outcome: Outcome): void {
    operation.returned = this.scheduler.now;
    operation.outcome = outcome;
    this.log.add(operation.process, () => `#${operation.id} ${operation.key}: ${describeOutcome(outcome)}`);
    if (outcome.type === 'ok' && outcome.content?.version !== undefined) this.#note(operation.key, outcome.content);
  }

  complain(complaint: string): void {
    this.complaints.push(complaint);
    this.log.add('complaint', () => complaint);
  }

  #note(key: string, content: Content): void {
    const known = this.seen.get(key) ?? [];
    this.seen.set(key, [...known, content]);
  }
}

/** An error as the outcome of an operation. */
export function outcomeOf(error: unknown): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  if (!SecureStoreError.is(error)) return { type: 'failed', code: undefined, message };
  const { code, currentVersion, reason } = error;
  if (error.outcome === 'unknown') return { type: 'unknown', code, message, reason };
  return { type: 'failed', code, message, reason, currentVersion };
}
