import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { LocalCounts, Place } from '../limits/counts.ts';
import { PLACES } from '../limits/counts.ts';
import type { Guesses } from '../caller/guesses.ts';
import { Channel } from './channel.ts';
import type { GuessAsked, PlacesAsked, RequestsAsked, WorkerFailure, WorkerFigures, WorkerStart } from './messages.ts';
import { SECRETS_FD } from './messages.ts';
import { giveSecrets } from './secrets.ts';

/** Calls of a worker at the process of the server. */
export interface WorkerPorts {
  readonly counts: LocalCounts;
  readonly guesses: Guesses;
  readonly secrets: (name: string) => Promise<readonly Uint8Array[]>;
  readonly absorb: (figures: WorkerFigures) => void;
  /** Told when the worker can serve. */
  readonly ready: () => void;
  /** Told once when the process has ended. @param failure why, if it could say so */
  readonly ended: (failure: WorkerFailure | undefined) => void;
}

/** A connection that a worker was given and has not confirmed. */
interface Untaken {
  /** This side of it, so that it ends with a worker that dies before. */
  readonly socket: Socket;
  /** Ticks since it was given. */
  age: number;
}

/** A worker that gives signs of life takes some of its connections within so many ticks, unless it has no descriptor for them. */
const TAKEN_WITHIN = 2;
/** For so many ticks other workers are preferred to one that could not take a connection. */
const AVOIDED_FOR = 5;

/** One worker: its process, the connections that it serves, and what it holds of the limits of the server. */
export class WorkerProcess {
  readonly number: number;
  readonly pid: number | undefined;
  readonly #child: ChildProcess;
  readonly #ports: WorkerPorts;
  readonly #channel: Channel;
  /** To be called when a connection ends. */
  readonly #connections = new Map<number, () => void>();
  readonly #untaken = new Map<number, Untaken>();
  readonly #held: Readonly<Record<Place, Map<string, number>>> = {
    requests: new Map(),
    caller: new Map(),
    listings: new Map(),
  };
  #last = 0;
  #failure: WorkerFailure | undefined;
  #hasBeat = true;
  #hasEnded = false;
  #isStale = false;
  #avoidedFor = 0;
  /** Ticks in a row in which it gave signs of life and took no connection. */
  #idleFor = 0;
  /** Connections since the last tick that it could not take. */
  #lost = 0;
  isReady = false;
  wasReady = false;
  isStopping = false;
  /** Ticks in a row without a sign of life. */
  missed = 0;
  /** Requests that are not answered yet. */
  running = 0;

  constructor(child: ChildProcess, start: WorkerStart, ports: WorkerPorts) {
    this.#child = child;
    this.number = start.number;
    this.pid = child.pid;
    this.#ports = ports;
    const { guesses } = ports;
    this.#channel = new Channel(
      child,
      {
        beat: (figures: WorkerFigures) => this.#beat(figures),
        ready: () => void this.#ready(),
        failed: (failure: WorkerFailure) => (this.#failure = failure),
        took: (id: number) => this.#took(id),
        closed: (id: number) => this.#closed(id),
        free: ({ place, name, count }: PlacesAsked) => this.#free(place, name, count),
        failedGuess: ({ address, name }: GuessAsked) => guesses.failed(address, name),
        proven: (name: string) => guesses.proven(name),
      },
      {
        grant: ({ place, name, count }: PlacesAsked) => this.#grant(place, name, count),
        grantRequests: ({ name, count }: RequestsAsked) => ports.counts.grantRequests(name, count),
        mayTry: ({ address, name }: GuessAsked) => guesses.mayTry(address, name),
      },
    );
    child.once('error', () => this.#ended());
    child.once('exit', () => this.#ended());
    void giveSecrets(child.stdio[SECRETS_FD] as Duplex, ports.secrets);
    this.#channel.tell('start', start);
  }

  get connections(): number {
    return this.#connections.size;
  }

  #beat(figures: WorkerFigures): void {
    this.#hasBeat = true;
    this.running = figures.running;
    this.#ports.absorb(figures);
  }

  /** A worker that was starting during a change may have read the store before it. */
  async #ready(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        await this.#channel.ask('refresh');
      }
    } catch {
      // It sees the change within the time that other processes do, if it has not ended.
    }
    if (this.#hasEnded) return;
    this.isReady = this.wasReady = this.#hasBeat = true;
    this.missed = 0;
    this.#ports.ready();
  }

  /**
   * Counts a tick of the process of the server: a worker whose event loop hangs gives no sign of life between two.
   *
   * @returns how many connections it could not take, which are ended
   */
  tick(): number {
    this.missed = this.#hasBeat && this.isReady ? 0 : this.missed + 1;
    this.#hasBeat = false;
    this.#avoidedFor = Math.max(0, this.#avoidedFor - 1);
    this.#idleFor = this.missed > 0 ? 0 : this.#idleFor + 1;
    for (const [id, waiting] of this.#untaken) {
      waiting.age += 1;
      if (Math.min(waiting.age, this.#idleFor) >= TAKEN_WITHIN) this.#lose(id);
    }
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Ends a connection that the worker has no descriptor for. */
  #lose(id: number): void {
    this.#lost += 1;
    this.#avoidedFor = AVOIDED_FOR;
    this.#closed(id);
  }

  /** Whether it seems able to serve a connection: it has been giving signs of life, and takes what it is given. */
  get isLively(): boolean {
    return this.missed < 2 && this.#avoidedFor === 0;
  }

  /** Hands a connection over, of which nothing was read. */
  give(socket: Socket, closed: () => void): void {
    const id = ++this.#last;
    this.#connections.set(id, closed);
    this.#untaken.set(id, { socket, age: 0 });
    socket.on('error', () => undefined);
    // It stays open here until the worker has it, so that it ends with a worker that dies before.
    this.#child.send({ type: 'tell', name: 'connection', value: id }, socket, { keepOpen: true }, (error) => {
      if (error !== null) this.#closed(id);
    });
  }

  #took(id: number): void {
    this.#idleFor = 0;
    // They are sent one after the other, so that those before it have not arrived.
    for (const earlier of this.#untaken.keys()) {
      if (earlier >= id) break;
      this.#lose(earlier);
    }
    this.#untaken.get(id)?.socket.destroy();
    this.#untaken.delete(id);
  }

  #closed(id: number): void {
    const closed = this.#connections.get(id);
    if (closed === undefined) return;
    this.#connections.delete(id);
    this.#untaken.get(id)?.socket.destroy();
    this.#untaken.delete(id);
    closed();
  }

  #grant(place: Place, name: string, wanted: number): number {
    const granted = this.#ports.counts.grant(place, name, wanted);
    if (granted > 0) this.#held[place].set(name, (this.#held[place].get(name) ?? 0) + granted);
    return granted;
  }

  #free(place: Place, name: string, count: number): void {
    const held = this.#held[place].get(name) ?? 0;
    const given = Math.min(count, held);
    if (held > given) this.#held[place].set(name, held - given);
    else this.#held[place].delete(name);
    if (given > 0) this.#ports.counts.free(place, name, given);
  }

  /** Has the worker look at the newest policy and head of the store. @throws SecureStoreError what keeps it from that */
  async refresh(): Promise<void> {
    // One that starts does so before it serves, and nothing waits for that.
    if (!this.isReady) this.#isStale = true;
    else await this.#channel.ask('refresh');
  }

  /** Has the worker tell what it has counted by now. @throws SecureStoreError `UNAVAILABLE` if it has ended */
  async report(): Promise<void> {
    this.#beat(await this.#channel.ask<WorkerFigures>('report'));
  }

  /** Has the worker end after the requests that it has begun. */
  stop(): void {
    this.isStopping = true;
    // One that starts has no requests, and may take long to read messages.
    if (this.isReady) this.#channel.tell('stop');
    else this.kill();
  }

  /** Ends the process at once, also one that hangs. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ended(): void {
    const isAlive = this.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
    // A message or a signal could not be sent.
    if (isAlive || this.#hasEnded) return;
    this.#hasEnded = true;
    this.isReady = false;
    this.#channel.close();
    for (const id of this.#connections.keys()) this.#closed(id);
    for (const place of PLACES)
      for (const [name, count] of this.#held[place]) this.#ports.counts.free(place, name, count);
    this.#ports.ended(this.#failure);
  }
}
