import type { Hint, HintEntry } from '@securestore/core-format';
import {
  decodeHint,
  encodeHint,
  encodeWriter,
  HINT_ROOM,
  hintEntryLength,
  hintName,
  ID_LENGTH,
  isDamage,
  SecureStoreError,
  workName,
} from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant, isUndecided } from '@securestore/jobs';
import { abortable } from '../util/abort.ts';
import type { JournalPorts } from './ports.ts';
import { openJournalBody, sealJournalBody } from './sealed-objects.ts';
import { HINT_COVERS_FOR, STREAM_USED_FOR } from './journal-limits.ts';
import { tryAgain } from '../util/try-again.ts';

const MAX_TRIES = 3;

/** Closed by others again and again: more than that is an attack, or a fault of the backend. */
const MAX_STREAMS = 5;

/** When a hint began to be written, and where the store was then. */
export interface Announced extends Instant {
  readonly place: number;
}

interface Stream {
  readonly id: Buffer;
  next: number;
  /** When its last hint began to be written. */
  used: Instant;
  /** The key version that its registration is sealed under. */
  readonly key: string;
}

interface Waiting {
  readonly entry: HintEntry;
  readonly done: PromiseWithResolvers<Announced>;
}

/** What a slot of the journal holds after an attempt to write it. */
type Occupied = 'written' | 'by another hint' | 'by others';

/** The mutation itself was not begun, so its outcome isn't in doubt, whatever became of the hint. */
function notAnnounced(error: unknown): SecureStoreError {
  const known = SecureStoreError.is(error) ? error : undefined;
  return new SecureStoreError(
    known?.code ?? 'INTERNAL',
    `cannot announce the change in the journal: ${known?.message ?? 'unexpected error'}`,
    { retryable: known?.retryable, reason: known?.reason, advice: known?.advice, cause: error },
  );
}

/**
 * The stream of this process in the journal: says what is about to change before it does. One request at a time, shared
 * by all mutations that wait, in slots with dense numbers.
 */
export class JournalWriter {
  readonly #ports: JournalPorts;
  #stream: Stream | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** Counts the places where the store has been. */
  #place = 0;

  constructor(ports: JournalPorts) {
    this.#ports = ports;
  }

  /** Whether a hint that began to be written at `announced` still covers its commit. */
  covers(announced: Announced | undefined): announced is Announced {
    if (announced === undefined || announced.place !== this.#place) return false;
    return elapsedSince(announced, this.#ports.clock) < HINT_COVERS_FOR;
  }

  /** The store is elsewhere from now on: there this process has no stream yet, and has announced nothing. */
  restart(): void {
    this.#place += 1;
    this.#stream = undefined;
  }

  /**
   * Makes it durable that a commit is about to happen.
   *
   * @returns when the hint began to be written
   * @throws SecureStoreError `ABORTED`, and what the backend throws, never with an unknown outcome: nothing has changed
   */
  async announce(token: string, commitId: Uint8Array, signal: AbortSignal | undefined): Promise<Announced> {
    const done = Promise.withResolvers<Announced>();
    this.#waiting.push({ entry: { token, commitId }, done });
    this.#running ??= this.#run();
    return abortable(done.promise, signal);
  }

  /**
   * Ends the stream, so that a last hint that is missing shows.
   *
   * @throws SecureStoreError what the backend throws, and if the store takes no writes any more
   */
  async close(): Promise<void> {
    await this.#running;
    this.#leaveOld();
    if (this.#stream === undefined) return;
    this.#ports.monitor.checkWritable();
    await this.#append('close', []);
    this.#stream = undefined;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const begun = await this.#append(
          'hint',
          batch.map(({ entry }) => entry),
        );
        for (const { done } of batch) done.resolve(begun);
      } catch (error) {
        for (const { done } of batch) {
          // The caller that waited may have been aborted.
          done.promise.catch(() => undefined);
          done.reject(notAnnounced(error));
        }
      }
    }
    this.#running = undefined;
  }

  /** As many of those who wait as fit into one hint. */
  #take(): Waiting[] {
    let room = HINT_ROOM;
    const fitting = this.#waiting.findIndex(({ entry }) => (room -= hintEntryLength(entry.token)) < 0);
    return this.#waiting.splice(0, fitting === -1 ? this.#waiting.length : fitting);
  }

  /** Others may have closed a stream that was not used for long, and a key that was replaced is to go some day. */
  #leaveOld(): void {
    const { clock, monitor } = this.#ports;
    if (this.#stream === undefined) return;
    const { used, key } = this.#stream;
    const old = elapsedSince(used, clock) >= STREAM_USED_FOR;
    if (old || key !== monitor.state.keys.journal.primary.label) this.#stream = undefined;
  }

  /** @returns when it began to be written, and where */
  async #append(kind: Hint['kind'], entries: readonly HintEntry[]): Promise<Announced> {
    // A process may sleep from here on until others have closed the stream and removed it: then this is long ago.
    let begun = { ...instant(this.#ports.clock), place: this.#place };
    this.#leaveOld();
    for (let streams = 0; streams < MAX_STREAMS;) {
      if (begun.place !== this.#place) begun = { ...instant(this.#ports.clock), place: this.#place };
      const stream = (this.#stream ??= await this.#register());
      // The store has moved meanwhile.
      if (this.#stream !== stream || begun.place !== this.#place) continue;
      const { generation } = this.#ports.monitor.state.head;
      const name = hintName(stream.id, stream.next);
      const body = await sealJournalBody(this.#ports, 'hint', name, encodeHint({ kind, generation, entries }));
      if (this.#stream !== stream) continue;
      const occupied = await this.#occupy(name, body);
      if (begun.place !== this.#place) continue;
      if (occupied !== 'by others') {
        stream.next += 1;
        stream.used = begun;
      } else {
        this.#stream = undefined;
        streams += 1;
      }
      if (occupied === 'written' || (kind === 'close' && this.#stream === undefined)) return begun;
    }
    throw tryAgain('UNAVAILABLE', `other processes closed ${MAX_STREAMS} journal streams of this process`);
  }

  async #occupy(name: string, body: Buffer): Promise<Occupied> {
    const { backend } = this.#ports;
    for (let tries = 1; ; tries++) {
      try {
        await backend.write(name, body, { ifAbsent: true });
        return 'written';
      } catch (error) {
        if (!isUndecided(error)) throw error;
        const found = await backend.read(name);
        if (found !== undefined) return body.equals(found.body) ? 'written' : await this.#whose(name, found.body);
        if (tries < MAX_TRIES) continue;
        const message = 'the backend does not show whether a journal entry was written';
        throw tryAgain('UNAVAILABLE', message, { cause: error });
      }
    }
  }

  /** An earlier hint of this process, whose fate wasn't known, or the end of its stream, written by another process. */
  async #whose(name: string, body: Uint8Array): Promise<Occupied> {
    try {
      const { kind } = decodeHint(await openJournalBody(this.#ports, 'hint', name, body));
      return kind === 'hint' ? 'by another hint' : 'by others';
    } catch (error) {
      if (isDamage(error)) return 'by others';
      throw error;
    }
  }

  async #register(): Promise<Stream> {
    const { backend, clock, random } = this.#ports;
    const used = instant(clock);
    const key = this.#ports.monitor.state.keys.journal.primary.label;
    const place = this.#place;
    const id = Buffer.from(random(ID_LENGTH));
    const name = workName('writer', id);
    const registration = encodeWriter({ created: clock.now(), floor: 0, ended: false });
    const body = await sealJournalBody(this.#ports, 'writer', name, registration);
    for (let tries = 1; ; tries++) {
      if (place !== this.#place) return this.#register();
      try {
        await backend.write(name, body, { ifAbsent: true });
        return place === this.#place ? { id, next: 0, used, key } : await this.#register();
      } catch (error) {
        // No other process has this random id: what is stored is of an earlier try.
        if (SecureStoreError.is(error, 'CONFLICT') && tries > 1) return { id, next: 0, used, key };
        if (!isUndecided(error) || tries === MAX_TRIES) throw error;
      }
    }
  }
}
