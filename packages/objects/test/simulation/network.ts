import type { BatchOperation, ReadResult, StorageBackend } from '@securestore/backend-api';
import { abortedError, checkSignal } from '@securestore/backend-api';
import type { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import type { Calendar } from './calendar.ts';
import type { Dice } from './dice.ts';
import type { EventLog } from './event-log.ts';
import type { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { Fate, Weather } from './weather.ts';
import { calmFate, drawFate } from './weather.ts';

/** How often a request obeys its signal; a process whose backend doesn't has to leave it behind. */
const OBEYED = 0.8;

/** Bodies as small as a backend may ask for, so that small payloads have several parts. */
const MAX_BODY_BYTES = 65_536;

interface Request<T> {
  readonly operation: string;
  readonly key: string;
  readonly mutation: boolean;
  /** The bodies that it writes. */
  readonly bodies: readonly Body[];
  readonly signal: AbortSignal | undefined;
  /** Does it, at the backend. */
  readonly apply: () => Promise<T>;
}

interface Body {
  readonly key: string;
  readonly body: Uint8Array;
}

/** Told of what takes effect at the backend. */
export interface Witness {
  readonly onRead: (process: SimulatedProcess, key: string) => void;
  /** @param sent when the request left its process, in milliseconds since the schedule began */
  readonly onWritten: (process: SimulatedProcess, written: Body, sent: number) => void;
}

const shorten = (key: string): string => key.replace(/[0-9a-v]{20,}/g, (token) => `${token.slice(0, 6)}…`);

function codeOf(error: unknown): string {
  if (!SecureStoreError.is(error)) return String(error);
  return error.outcome === undefined ? error.code : `${error.code} (${error.outcome})`;
}

/** A request that its sender waits for. */
class Exchange<T> {
  readonly answered: Promise<T>;
  readonly #settle: (how: () => void) => void;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor({ operation, key, mutation, signal }: Request<T>, obedient: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let settled = false;
    const abort = (): void => {
      const site = { backend: 'simulated', operation, key };
      this.fail(abortedError(site, signal?.reason, mutation ? 'unknown' : undefined));
    };
    this.answered = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#settle = (how) => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', abort);
      how();
    };
    if (obedient) signal?.addEventListener('abort', abort, { once: true });
  }

  answer(value: T): void {
    this.#settle(() => this.#resolve(value));
  }

  fail(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }
}

/** A request that a scenario waits for, and what becomes of it. */
export interface Snare {
  readonly process: SimulatedProcess;
  readonly operation: 'read' | 'list' | 'write' | 'delete' | 'batch';
  /** How its name begins. */
  readonly prefix: string;
  /** What else must be so of the body that it writes. */
  readonly matches?: (body: Uint8Array) => boolean;
  readonly fate: Fate;
}

interface SetSnare extends Snare {
  readonly spring: () => void;
}

/** What a network lies in. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly backend: MemoryBackend;
  readonly calendar: Calendar;
  readonly log: EventLog;
  readonly witness: Witness;
}

/** What lies between the processes and the backend that they share. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #dice: Dice;
  readonly #backend: MemoryBackend;
  readonly #calendar: Calendar;
  readonly #log: EventLog;
  readonly #witness: Witness;
  #weather: Weather | undefined;
  #snares: SetSnare[] = [];

  constructor({ scheduler, dice, backend, calendar, log, witness }: Surroundings) {
    this.#scheduler = scheduler;
    this.#dice = dice;
    this.#backend = backend;
    this.#calendar = calendar;
    this.#log = log;
    this.#witness = witness;
  }

  /** From now on requests meet `weather`; without one nothing goes wrong. */
  setWeather(weather: Weather | undefined): void {
    this.#weather = weather;
  }

  /** Decides about the next request that fits. @returns when that has been sent */
  catchNext(snare: Snare): Promise<void> {
    return new Promise((spring) => {
      this.#snares.push({ ...snare, spring });
    });
  }

  #fateOf<T>(process: SimulatedProcess, { operation, key, mutation, bodies }: Request<T>): Fate {
    const snare = this.#snares.find(
      (one) =>
        one.process === process &&
        one.operation === operation &&
        key.startsWith(one.prefix) &&
        (one.matches === undefined || bodies.some(({ body }) => one.matches?.(body) === true)),
    );
    if (snare !== undefined) {
      this.#snares = this.#snares.filter((other) => other !== snare);
      snare.spring();
      return snare.fate;
    }
    if (this.#weather === undefined) return calmFate(this.#dice);
    return drawFate(this.#dice, this.#weather, this.#calendar, { key, mutation, now: this.#scheduler.now });
  }

  /** The backend as `process` reaches it. */
  connect(process: SimulatedProcess, options: ConnectionOptions): StorageBackend {
    return connection(this.#backend, options, (request) => this.#send(process, request));
  }

  #send<T>(process: SimulatedProcess, request: Request<T>): Promise<T> {
    const { operation, key, mutation, signal } = request;
    const sent = this.#scheduler.now;
    checkSignal(signal, { backend: 'simulated', operation, key });
    const fate = this.#fateOf(process, request);
    const what = `${operation} ${shorten(key)}`;
    if (fate.name !== '') this.#log.add(process.name, () => `${what}: will be ${fate.name}`);
    const exchange = new Exchange(request, this.#dice.chance(OBEYED));
    const deliver = (delay: number, how: () => void): void => {
      this.#scheduler.after(delay, () => process.enter(how));
    };
    for (const [index, delay] of fate.arrivals.entries()) {
      const { answer } = fate;
      const reply = (how: () => void): void => {
        if (index === 0 && answer !== undefined) deliver(answer, how);
      };
      this.#scheduler.after(delay, () => this.#arrive(process, request, sent, what, exchange, reply));
    }
    // Not before it has left, nor before what its process does at the same moment.
    if (fate.stops !== undefined) {
      const { how, duration } = fate.stops;
      this.#scheduler.after(0, () => process[how](duration));
    }
    if (fate.fails !== undefined) {
      const outcome = mutation && !fate.fails.certain ? 'unknown' : undefined;
      const error = new SecureStoreError('UNAVAILABLE', `simulated: ${what} got no answer`, { outcome });
      deliver(fate.fails.after, () => exchange.fail(error));
    }
    return exchange.answered;
  }

  #arrive<T>(
    process: SimulatedProcess,
    { operation, key, bodies, apply }: Request<T>,
    sent: number,
    what: string,
    exchange: Exchange<T>,
    reply: (how: () => void) => void,
  ): void {
    if (operation === 'read') this.#witness.onRead(process, key);
    apply().then(
      (value) => {
        for (const body of bodies) this.#witness.onWritten(process, body, sent);
        const result = value === undefined && operation === 'read' ? 'nothing' : 'ok';
        this.#log.add(process.name, () => `${what} -> ${result}`);
        return reply(() => exchange.answer(value));
      },
      (error: unknown) => {
        this.#log.add(process.name, () => `${what} -> ${codeOf(error)}`);
        reply(() => exchange.fail(error));
      },
    );
  }
}

type Send = <T>(request: Request<T>) => Promise<T>;

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** What the backend can do, as the processes of a schedule see it. */
export interface ConnectionOptions {
  readonly batches: boolean;
  /** Whether it tells its clock to nobody who reads. */
  readonly silent: boolean;
}

async function withoutTime(reading: Promise<ReadResult | undefined>): Promise<ReadResult | undefined> {
  const found = await reading;
  if (found === undefined) return undefined;
  const { now: _now, ...rest } = found;
  return rest;
}

function connection(inner: MemoryBackend, { batches, silent }: ConnectionOptions, send: Send): StorageBackend {
  const read = <T>(operation: string, key: string, options: Options | undefined, apply: () => Promise<T>): Promise<T> =>
    send({ operation, key, mutation: false, bodies: [], signal: options?.signal, apply });
  const change = <T>(
    operation: string,
    key: string,
    bodies: readonly Body[],
    options: Options | undefined,
    apply: () => Promise<T>,
  ): Promise<T> => send({ operation, key, mutation: true, bodies, signal: options?.signal, apply });
  const outer: StorageBackend = {
    name: 'simulated',
    capabilities: {
      ...inner.capabilities,
      now: inner.capabilities.now && !silent,
      maxBodyBytes: MAX_BODY_BYTES,
      atomicBatch: batches,
      maxBatch: batches ? inner.capabilities.maxBatch : 0,
      deleteMany: false,
      maxDeleteMany: 0,
    },
    init: async () => undefined,
    close: async () => undefined,
    read: async (key, options) =>
      read('read', key, options, () => {
        const found = inner.read(key, unsignalled(options));
        return silent ? withoutTime(found) : found;
      }),
    list: async (prefix, options) => read('list', prefix, options, () => inner.list(prefix, unsignalled(options))),
    delete: async (key, options) => change('delete', key, [], options, () => inner.delete(key, unsignalled(options))),
    async write(key, body, options) {
      // A request that is still under way has left the buffers of its sender.
      const sent = Buffer.from(body);
      return change('write', key, [{ key, body: sent }], options, () => inner.write(key, sent, unsignalled(options)));
    },
  };
  if (batches) {
    outer.batch = async (operations, options) => {
      const sent = operations.map(sentOperation);
      const bodies = sent.flatMap((one) => (one.type === 'write' ? [{ key: one.key, body: one.body }] : []));
      return change('batch', operations.map(({ key }) => key).join(' '), bodies, options, () => inner.batch(sent));
    };
  }
  return outer;
}

function sentOperation(operation: BatchOperation): BatchOperation {
  return operation.type === 'write' ? { ...operation, body: Buffer.from(operation.body) } : { ...operation };
}

/** Options for the backend itself, which a request reaches whatever its sender thinks by then. */
function unsignalled<O extends Options>(options: O | undefined): O | undefined {
  return options === undefined ? undefined : { ...options, signal: undefined };
}
