import { ancestorsAfter } from '../../src/ancestry.ts';
import type { MemoryBackend } from '@securestore/backend-memory';
import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { ObjectStore } from '../../src/index.ts';
import { openObjectStore } from '../../src/index.ts';
import { Dice } from './dice.ts';
import { EventLog } from './event-log.ts';
import type { Image, Secrets } from './image.ts';
import { backendFrom } from './image.ts';
import { Network } from './network.ts';
import type { Action, Content, Operation, Outcome } from './operations.ts';
import { describeAction, describeOutcome } from './operations.ts';
import type { ClockErrors } from './process.ts';
import { EPOCH, SimulatedProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

/** A head of the store, and when it took the place of the one before. */
export interface LandedHead {
  readonly time: number;
  readonly head: Head;
}

/** What the rules judge: everything that was observed in one schedule. */
export interface Recorded {
  /** Whether the backend has batches. */
  readonly batches: boolean;
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
  readonly backend: MemoryBackend;
  readonly batches: boolean;
  readonly operations: Operation[] = [];
  readonly heads: LandedHead[];
  readonly headReads = new Map<string, number[]>();
  readonly clockErrors = new Map<string, { from: number; error: number }[]>();
  readonly complaints: string[] = [];
  readonly primaries = new Set<string>();
  rotated = false;
  /** The versions of each key that anybody has seen, with what they hold. */
  readonly seen = new Map<string, Content[]>();
  readonly secrets: Secrets;
  readonly #image: Image;

  private constructor(seed: number, image: Image, backend: MemoryBackend, scheduler: Scheduler, dice: Dice) {
    this.dice = dice;
    this.scheduler = scheduler;
    this.backend = backend;
    this.#image = image;
    this.secrets = image.secrets;
    this.log = new EventLog(() => scheduler.now);
    this.batches = dice.chance(0.3);
    this.heads = [{ time: -Infinity, head: image.head }];
    this.network = new Network(scheduler, dice.fork(), backend, this.log, (process, operation, key) => {
      if (operation === 'read' && key === HEAD_NAME) this.headReads.get(process.name)?.push(scheduler.now);
    });
    this.#watchHead();
    this.log.add('world', () => `seed ${seed}, ${this.batches ? 'with' : 'without'} batches`);
  }

  static async create(seed: number, image: Image): Promise<World> {
    const dice = new Dice(seed);
    const scheduler = new Scheduler(dice.fork());
    const backend = await backendFrom(image, () => EPOCH + Math.floor(scheduler.now));
    return new World(seed, image, backend, scheduler, dice);
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
  open(process: SimulatedProcess, unlock: UnlockMethod): Promise<ObjectStore> {
    const backend = this.network.connect(process, this.batches);
    const { clock, random } = process;
    return openObjectStore({ backend, location: 'memory:', unlock, clock, random, upkeep: false });
  }

  /** Lets a new head take the place of the current one, at this moment. */
  async landHead(revise: (head: Head) => Partial<Head>): Promise<void> {
    const current = this.heads.at(-1)?.head ?? this.#image.head;
    const revised = { generation: current.generation + 1, ancestors: ancestorsAfter(current), ...revise(current) };
    const head: Head = { ...current, ...revised };
    await this.backend.write(HEAD_NAME, this.#image.sign(head));
  }

  /** Notes every head that lands, whoever wrote it. */
  #watchHead(): void {
    const { backend } = this;
    const write = backend.write.bind(backend);
    backend.write = async (key, body, options) => {
      const result = await write(key, body, options);
      if (key === HEAD_NAME) this.#noteHead(decodeHead(body).head);
      return result;
    };
  }

  #noteHead(head: Head): void {
    this.heads.push({ time: this.scheduler.now, head });
    this.log.add('head', () => `generation ${head.generation} ${head.state}`);
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
  const { code, currentVersion } = error;
  if (error.outcome === 'unknown') return { type: 'unknown', code, message };
  return { type: 'failed', code, message, currentVersion };
}
