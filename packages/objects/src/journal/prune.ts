import type { StreamCursor } from '@securestore/core-format';
import {
  encodeBase32,
  encodeHint,
  encodeWriter,
  hintName,
  hintSequence,
  journalPrefix,
  workName,
} from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import { deleteUnchanged, isForged, lookAtSystemObject, writeSystemObject } from '../engine/sealed-objects.ts';
import { HINT_LAPSES_AFTER, STREAM_CLOSES_AFTER } from '../engine/journal-limits.ts';
import { listWriters, readRegistration, readSlot } from './streams.ts';
import type { Survey } from './consumer-liveness.ts';
import { survey } from './consumer-liveness.ts';
import { entriesUnder } from '../util/listing.ts';
import type { Stored } from '../engine/sealed-objects.ts';

/** Something that nobody who has the keys has put into a stream. */
interface ForeignObject extends Pick<Stored, 'modified' | 'etag'> {
  readonly name: string;
}

/** Up to where a stream may be removed. */
interface Plan {
  readonly writer: Buffer;
  /** Hints with lower sequence numbers have been read by all, and may go. */
  readonly floor: number;
  /** Whether the whole stream may go, with its registration. */
  readonly ended: boolean;
  readonly registration: NonNullable<Awaited<ReturnType<typeof readRegistration>>>;
  readonly hints: readonly StoredHint[];
  readonly strays: readonly ForeignObject[];
  /** When the first hint was written that not all have read; infinite if they have. */
  readonly unread: number;
  /** Where a stream that has been silent for long is to be closed. */
  readonly closeAt: number | undefined;
}

interface StoredHint {
  readonly name: string;
  readonly sequence: number;
  readonly modified: number;
}

/**
 * The hints of a stream. What is none and lies beyond a hole is a stray: anybody can put garbage far ahead, so no consumer
 * goes past it, and it must not look as if the stream were read up to there. What follows a hint at once was seen in its
 * place, and goes with the stream.
 */
async function hintsOf(
  engine: Engine,
  writer: Buffer,
  floor: number,
  signal: AbortSignal | undefined,
): Promise<{ hints: StoredHint[]; strays: ForeignObject[] }> {
  const prefix = journalPrefix(writer);
  const hints: StoredHint[] = [];
  const strays: ForeignObject[] = [];
  for await (const { key: name, modified } of entriesUnder(engine.backend, prefix, { signal })) {
    const sequence = hintSequence(prefix, name);
    if (sequence === undefined) continue;
    const beyond = sequence > Math.max(floor, (hints.at(-1)?.sequence ?? -1) + 1);
    const found = beyond ? await lookAtSystemObject(engine, 'hint', name, signal) : undefined;
    if (found !== undefined && 'error' in found) strays.push({ name, modified, etag: found.etag });
    else hints.push({ name, sequence, modified });
  }
  return { hints, strays };
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
  const { hints, strays } = await hintsOf(engine, writer, registration.floor, signal);
  const last = hints.at(-1);
  const end = Math.max(registration.floor, (last?.sequence ?? -1) + 1);
  const base = { writer, registration, hints, strays };
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
      if (!isForged(error)) throw error;
    }
  }
}

/**
 * The time of the oldest change that a consumer has still to look at, in milliseconds since 1970 by the backend's clock;
 * infinite if there is none, 0 if a consumer owes a pass. What was written from then on, give or take the skew of
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

/** @returns whether the registration says so now; not if somebody else has changed it, or may have */
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
  const close = encodeHint({ kind: 'close', generation: engine.monitor.state.head.generation, entries: [] });
  try {
    await writeSystemObject(engine, 'hint', hintName(writer, sequence), close, { ifAbsent: true });
  } catch (error) {
    // Its writer has woken up, or the next one to look closes it.
    if (!isUndecided(error)) throw error;
  }
}

/** Only on a condition: the writer of the stream may come to write there. */
async function removeStrays(engine: Engine, { strays }: Plan, { isOlder }: Survey): Promise<number> {
  if (!engine.backend.capabilities.conditionalDelete) return 0;
  const old = strays.filter(({ modified }) => isOlder(modified, engine.gracePeriod));
  for (const { name, etag } of old) await deleteUnchanged(engine, name, etag);
  return old.length;
}

/**
 * Keeps the journal from growing: lets consumers expire that have been silent for 7 days, closes streams that have been
 * so, and removes what all consumers have read. What goes is announced in the registration first, so that nobody takes
 * it for an attack. Any number of processes may do this at once, and stop anywhere.
 *
 * @returns how much of it nobody who has the keys had put there
 * @throws SecureStoreError what the backend throws
 */
export async function pruneJournal(engine: Engine, signal?: AbortSignal): Promise<number> {
  const surveyed = await survey(engine, signal);
  let strays = 0;
  for await (const plan of plans(engine, surveyed, signal)) {
    const { writer, registration, floor, ended, hints, closeAt } = plan;
    strays += await removeStrays(engine, plan, surveyed);
    if (closeAt !== undefined) await closeStream(engine, writer, closeAt);
    // A stream that has just ended stays for a while: a consumer may have joined since the others were looked at.
    if (ended && registration.ended && !surveyed.isOlder(registration.modified, HINT_LAPSES_AFTER)) continue;
    if (!(await register(engine, plan))) continue;
    if (ended && !registration.ended) continue;
    for (const { name, sequence } of hints) if (sequence < floor) await engine.backend.delete(name, { signal });
    if (ended) await deleteUnchanged(engine, workName('writer', writer), registration.etag);
  }
  return strays;
}
