import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const MAX_DELAY_MS = 120;
/** How much comes through at a time where the way is slow, and how long it is until more does. */
const DRIP_BYTES = 48;
const DRIP_MS = 2;
/** Connections break within the first so many bytes: while they are made, in a head, in a body. */
const BREAKS = [40, 600, 20_000];

/**
 * What goes wrong on the way for as long as it is set:
 * - `away`: nobody gets through, and who was through is cut off;
 * - `cut`: each connection breaks after some more bytes, in the middle of what is under way in either direction;
 * - `half-close`: one direction ends after some more bytes, behind all that was sent at once: a server that hears half of
 *   a login takes it for a wrong one, and says so;
 * - `delay`: everything takes a while longer;
 * - `slow`: a few bytes come through at a time;
 * - `hold`: requests pass, and answers are held back until another fault is set, or none;
 * - `lose-answer`: one answer, the next if nothing else is said, is lost, and its connection with it; after that nothing
 *   goes wrong any more;
 * - `lose-answers`: again and again one of so many answers is lost, and its connection with it;
 * - `garbage`: some bytes of the answers are changed;
 * - `noise`: after some more bytes, all that comes from the server on the connection is noise.
 *
 * A connection that brought garbage or noise ends with the fault.
 */
export type Fault =
  | 'away'
  | 'cut'
  | 'half-close'
  | 'delay'
  | 'slow'
  | 'hold'
  | 'lose-answer'
  | 'lose-answers'
  | 'garbage'
  | 'noise';

/** What all connections through one proxy have in common. */
export class Weather {
  /** A whole number from 0 to below the bound. */
  readonly below: (bound: number) => number;
  fault: Fault | undefined;
  lost = 0;
  /** How many bytes of requests have been handed on to the server, or were lost. */
  sent = 0;
  /** How many answers come through before one is lost. */
  spared = 0;
  /** With `lose-answers`: of so many answers one is lost. */
  every = 10;
  #changing: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(below: (bound: number) => number) {
    this.below = below;
  }

  /** Resolves when another fault is set, or none. */
  get change(): Promise<void> {
    return this.#changing.promise;
  }

  set(fault: Fault | undefined): void {
    this.fault = fault;
    this.#changing.resolve();
    this.#changing = Promise.withResolvers();
  }
}

/** One connection of a client, and the one to the server that is made for it. */
export class Link {
  /** Whether something that the server never sent went to the client. */
  garbled = false;
  readonly ended: Promise<void>;
  readonly #weather: Weather;
  readonly #client: Socket;
  readonly #upstream: Socket;
  /** The bytes that still come through, where that is decided. */
  #left: number | undefined;
  /** Whether one direction was closed, so that the other stays open. */
  #halved = false;

  constructor(weather: Weather, client: Socket, server: { readonly host: string; readonly port: number }) {
    this.#weather = weather;
    this.#client = client;
    this.#upstream = connect({ ...server, allowHalfOpen: true });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    for (const socket of [this.#client, this.#upstream]) {
      socket.setNoDelay();
      // An end in good order is handed on after what came before it; a broken socket leaves the other without use.
      socket.on('error', () => this.end());
      socket.on('close', () => {
        if (this.#client.closed && this.#upstream.closed) resolve();
      });
    }
    void this.#carry(this.#client, this.#upstream);
    void this.#carry(this.#upstream, this.#client);
  }

  end(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await this.#pass(chunk, to);
        if (to === this.#upstream) this.#weather.sent += chunk.byteLength;
      }
      to.end();
    } catch {
      this.end();
    }
  }

  async #pass(chunk: Buffer, to: Socket): Promise<void> {
    const answer = to === this.#client;
    const { fault, below } = this.#weather;
    if (fault !== 'cut' && fault !== 'half-close' && fault !== 'noise') this.#left = undefined;
    switch (fault) {
      case 'delay':
        await sleep(below(MAX_DELAY_MS));
        return write(to, chunk);
      case 'slow':
        return this.#drip(chunk, to);
      case 'hold':
        if (answer) await this.#weather.change;
        return write(to, chunk);
      case 'lose-answer':
        if (!answer || this.#weather.spared-- > 0) return write(to, chunk);
        this.#weather.set(undefined);
        this.#lose();
        return undefined;
      case 'lose-answers':
        if (!answer || this.#weather.spared-- > 0) return write(to, chunk);
        this.#weather.spared = this.#weather.every - 1;
        this.#lose();
        return undefined;
      case 'cut':
      case 'half-close':
        return this.#break(chunk, to, fault);
      case 'garbage':
        return write(to, answer ? this.#changed(chunk) : chunk);
      case 'noise':
        return write(to, answer ? this.#drowned(chunk) : chunk);
      default:
        return write(to, chunk);
    }
  }

  #lose(): void {
    this.#weather.lost += 1;
    this.end();
  }

  async #drip(chunk: Buffer, to: Socket): Promise<void> {
    let rest = chunk;
    while (rest.byteLength > 0 && this.#weather.fault === 'slow') {
      const count = 1 + this.#weather.below(DRIP_BYTES);
      await write(to, rest.subarray(0, count));
      rest = rest.subarray(count);
      await sleep(DRIP_MS);
    }
    await write(to, rest);
  }

  /** How much of so many bytes comes before the one at which something happens; `undefined` for all. */
  #before(length: number): number | undefined {
    const { below } = this.#weather;
    const left = (this.#left ??= below(BREAKS[below(BREAKS.length)] ?? 1));
    this.#left = Math.max(left - length, 0);
    return left < length ? left : undefined;
  }

  async #break(chunk: Buffer, to: Socket, fault: 'cut' | 'half-close'): Promise<void> {
    const before = this.#halved ? undefined : this.#before(chunk.byteLength);
    if (before === undefined) return write(to, chunk);
    if (fault === 'half-close') {
      this.#halved = true;
      await write(to, chunk);
      to.end();
      return;
    }
    await write(to, chunk.subarray(0, before));
    // Half of the connections end as by a process that closes them, half as by one that is gone.
    if (this.#weather.below(2) === 0) this.end();
    else for (const socket of [this.#client, this.#upstream]) socket.resetAndDestroy();
  }

  #changed(chunk: Buffer): Buffer {
    const { below } = this.#weather;
    if (below(2) === 0) return chunk;
    this.garbled = true;
    const changed = Buffer.from(chunk);
    for (let count = below(4); count >= 0; count--) {
      const at = below(changed.byteLength);
      changed[at] = changed.readUInt8(at) ^ (1 + below(255));
    }
    return changed;
  }

  #drowned(chunk: Buffer): Buffer {
    const before = this.#before(chunk.byteLength);
    if (before === undefined) return chunk;
    this.garbled = true;
    return Buffer.from(chunk.map((byte, index) => (index < before ? byte : this.#weather.below(256))));
  }
}

/** Resolves when it was handed on, or there is nobody any more to hand it to. */
async function write(to: Socket, chunk: Buffer): Promise<void> {
  if (to.writableEnded || to.destroyed) return;
  await new Promise<void>((resolve) => {
    to.write(chunk, () => resolve());
  });
}
