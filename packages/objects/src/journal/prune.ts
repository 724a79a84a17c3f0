import type { ConsumerState, StreamCursor } from '@securestore/core-format';
import {
  encodeBase32,
  encodeHint,
  encodeWriter,
  hintName,
  hintSequence,
  journalPrefix,
  SecureStoreError,
  workName,
  workPrefix,
} from '@securestore/core-format';
import type { Engine } from '../engine.ts';
import { readHead } from '../state.ts';
import { deleteUnchanged, writeSystemObject } from '../system-objects.ts';
import { readConsumer, saveConsumer } from './consumer-record.ts';
import { CONSUMER_EXPIRES_AFTER, HINT_LAPSES_AFTER, STREAM_CLOSES_AFTER } from './limits.ts';
import { entryPages, isDamage, listWriters, readRegistration, readSlot } from './streams.ts';
import { isUndecided } from '../undecided.ts';

/** Up to where a stream may be removed. */
export interface StreamFloor {
  readonly writer: Buffer;
  /** Hints with lower sequence numbers have been read by all, and may go. */
  readonly floor: number;
  /** Whether the whole stream may go, with its registration. */
  readonly ended: boolean;
}

interface Plan extends StreamFloor {
  readonly registration: NonNullable<Awaited<ReturnType<typeof readRegistration>>>;
  readonly hints: readonly StoredHint[];
  /** When the first hint was written that not all have read; infinite where they have. */
  readonly unread: number;
  /** Where a stream that has been silent for long is to be closed. */
  readonly closeAt: number | undefined;
}

interface StoredHint {
  readonly name: string;
  readonly sequence: number;
  readonly modified: number;
}

/** What there is to go by. */
interface Survey {
  readonly consumers: readonly ConsumerState[];
  /** Whether something that was written at `modified` is over `age` milliseconds old, on any server. */
  readonly isOlder: (modified: number, age: number) => boolean;
}

/** The backend's clock, or a time that it has passed for sure. */
async function backendNow(engine: Engine, signal: AbortSignal | undefined): Promise<number> {
  const head = await readHead(engine.backend, signal);
  if (head?.now !== undefined) return head.now;
  let latest = 0;
  for (const prefix of [workPrefix('consumer'), workPrefix('writer')]) {
    for await (const page of entryPages(engine, prefix, undefined, signal)) {
      latest = Math.max(latest, ...page.map(({ modified }) => modified));
    }
  }
  return latest;
}

/** The state of a consumer for which the journal is kept; `undefined` for one that has expired, or does now. */
async function activeConsumer(
  engine: Engine,
  name: string,
  silent: boolean,
  signal: AbortSignal | undefined,
): Promise<ConsumerState | undefined> {
  try {
    const found = await readConsumer(engine, name, signal);
    if (found === undefined || found.state.expired) return undefined;
    if (!silent) return found.state;
    const expired = { ...found.state, expired: true, pass: 'afresh', cursors: [], pending: [] } as const;
    await saveConsumer(engine, name, expired, found.etag);
    return undefined;
  } catch (error) {
    // It has just shown that it is alive.
    if (SecureStoreError.is(error, 'CONFLICT')) return activeConsumer(engine, name, false, signal);
    if (silent && isDamage(error)) return undefined;
    throw error;
  }
}

async function survey(engine: Engine, signal: AbortSignal | undefined): Promise<Survey> {
  const { clockSkew, modifiedResolution } = engine.backend.capabilities;
  const now = await backendNow(engine, signal);
  const isOlder = (modified: number, age: number): boolean => now - modified > age + clockSkew + modifiedResolution;
  const consumers: ConsumerState[] = [];
  for await (const page of entryPages(engine, workPrefix('consumer'), undefined, signal)) {
    for (const { key, modified } of page) {
      const consumer = await activeConsumer(engine, key, isOlder(modified, CONSUMER_EXPIRES_AFTER), signal);
      if (consumer !== undefined) consumers.push(consumer);
    }
  }
  return { consumers, isOlder };
}

async function hintsOf(engine: Engine, writer: Buffer, signal: AbortSignal | undefined): Promise<StoredHint[]> {
  const prefix = journalPrefix(writer);
  const hints: StoredHint[] = [];
  for await (const page of entryPages(engine, prefix, undefined, signal)) {
    for (const { key, modified } of page) {
      const sequence = hintSequence(prefix, key);
      if (sequence !== undefined) hints.push({ name: key, sequence, modified });
    }
  }
  return hints;
}

async function isClosed(engine: Engine, last: StoredHint | undefined, signal?: AbortSignal): Promise<boolean> {
  const slot = last === undefined ? 'nothing' : await readSlot(engine, last.name, signal);
  return typeof slot === 'object' && slot.hint.kind === 'close';
}

async function planStream(
  engine: Engine,
  writer: Buffer,
  { consumers, isOlder }: Survey,
  signal: AbortSignal | undefined,
): Promise<Plan | undefined> {
  const registration = await readRegistration(engine, writer, signal);
  if (registration === undefined) return undefined;
  const hints = await hintsOf(engine, writer, signal);
  const last = hints.at(-1);
  const end = Math.max(registration.floor, (last?.sequence ?? -1) + 1);
  const base = { writer, registration, hints };
  if (registration.ended)
    return { ...base, floor: end, ended: true, unread: Number.POSITIVE_INFINITY, closeAt: undefined };
  const key = encodeBase32(writer);
  const cursors = consumers.map(
    (consumer): Pick<StreamCursor, 'next' | 'closed'> =>
      consumer.cursors.find((cursor) => encodeBase32(cursor.writer) === key) ?? { next: 0, closed: false },
  );
  // The last hint that all have read stays, so that a consumer sees that the stream was not cut behind it.
  const read = Math.min(...cursors.map(({ next }) => next - 1), end - 1);
  const young = hints.find(
    ({ sequence, modified }) => sequence >= registration.floor && !isOlder(modified, HINT_LAPSES_AFTER),
  );
  const floor = Math.max(registration.floor, Math.min(read, young?.sequence ?? end));
  const silent = isOlder(Math.max(registration.modified, last?.modified ?? 0), STREAM_CLOSES_AFTER);
  const allRead = young === undefined && cursors.every(({ closed }) => closed);
  const closed = (allRead || silent) && (await isClosed(engine, last, signal));
  const ended = allRead && (closed || cursors.length > 0);
  const unread = hints.find(({ sequence }) => cursors.some((cursor) => !cursor.closed && sequence >= cursor.next));
  return {
    ...base,
    floor: ended ? end : floor,
    ended,
    unread: unread?.modified ?? Number.POSITIVE_INFINITY,
    closeAt: silent && !closed ? end : undefined,
  };
}

async function* plans(engine: Engine, surveyed: Survey, signal: AbortSignal | undefined): AsyncGenerator<Plan> {
  for (const writer of await listWriters(engine, signal)) {
    try {
      const plan = await planStream(engine, writer, surveyed, signal);
      if (plan !== undefined) yield plan;
    } catch (error) {
      // Consumers give an alarm about it; the others are pruned all the same.
      if (!isDamage(error)) throw error;
    }
  }
}

/** Up to where each stream of the journal may be removed: what is over an hour old and has been read by all. */
export async function journalFloors(engine: Engine, signal?: AbortSignal): Promise<StreamFloor[]> {
  const floors: StreamFloor[] = [];
  for await (const { writer, floor, ended } of plans(engine, await survey(engine, signal), signal)) {
    floors.push({ writer, floor, ended });
  }
  return floors;
}

/**
 * The time of the oldest change that a consumer has still to look at, in milliseconds since 1970 by the backend's clock;
 * infinite where there is none, 0 where a consumer owes a pass. What was written from then on, give or take the skew of
 * the backend's servers, must stay: history, so that the consumer finds it, and tombstones, so that it learns of the
 * deletion.
 */
export async function unreadSince(engine: Engine, signal?: AbortSignal): Promise<number> {
  const surveyed = await survey(engine, signal);
  if (surveyed.consumers.some(({ pass }) => pass !== 'none')) return 0;
  let oldest = Number.POSITIVE_INFINITY;
  for (const { pending } of surveyed.consumers) for (const { written } of pending) oldest = Math.min(oldest, written);
  for await (const { unread } of plans(engine, surveyed, signal)) oldest = Math.min(oldest, unread);
  return oldest;
}

/** @returns whether the registration says so now; not where somebody else has changed it, or may have */
async function register(engine: Engine, { writer, registration, floor, ended }: Plan): Promise<boolean> {
  if (registration.floor === floor && registration.ended === ended) return true;
  const body = encodeWriter({ created: registration.created, floor, ended });
  try {
    await writeSystemObject(engine, 'writer', workName('writer', writer), body, { ifMatch: registration.etag });
    return true;
  } catch (error) {
    if (isUndecided(error)) return false;
    throw error;
  }
}

async function closeStream(engine: Engine, writer: Buffer, sequence: number): Promise<void> {
  const close = encodeHint({ kind: 'close', generation: engine.watcher.state.head.generation, entries: [] });
  try {
    await writeSystemObject(engine, 'hint', hintName(writer, sequence), close, { ifAbsent: true });
  } catch (error) {
    // Its writer has woken up, or the next one to look closes it.
    if (!isUndecided(error)) throw error;
  }
}

/**
 * Keeps the journal from growing: lets consumers expire that have been silent for 7 days, closes streams that have been
 * so, and removes what all consumers have read. What goes is announced in the registration first, so that nobody takes
 * it for an attack. Any number of processes may do this at once, and stop anywhere.
 *
 * @throws SecureStoreError what the backend throws, and `INTEGRITY` where the state of a consumer is damaged
 */
export async function pruneJournal(engine: Engine, signal?: AbortSignal): Promise<void> {
  const surveyed = await survey(engine, signal);
  for await (const plan of plans(engine, surveyed, signal)) {
    const { writer, registration, floor, ended, hints, closeAt } = plan;
    if (closeAt !== undefined) await closeStream(engine, writer, closeAt);
    // A stream that has just ended stays for a while: a consumer may have joined since the others were looked at.
    if (ended && registration.ended && !surveyed.isOlder(registration.modified, HINT_LAPSES_AFTER)) continue;
    if (!(await register(engine, plan))) continue;
    if (ended && !registration.ended) continue;
    for (const { name, sequence } of hints) if (sequence < floor) await engine.backend.delete(name, { signal });
    if (ended) await deleteUnchanged(engine, workName('writer', writer), registration.etag);
  }
}
