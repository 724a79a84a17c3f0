import type { HistorySettings } from '@securestore/core-format';
import { AREAS, ByteReader, ByteWriter, COLLECTED_NAME, objectName, SecureStoreError } from '@securestore/core-format';
import type { Job, JobContext, JobKind, Jobs } from '@securestore/jobs';
import { startVolatile } from '@securestore/jobs';
import { inContext } from '../../api/call-boundary.ts';
import type { Engine } from '../../engine/engine.ts';
import { forgetAnnounced } from '../../journal/late-deletions.ts';
import { pruneJournal, unreadSince } from '../../journal/prune.ts';
import { retireJournalKeys } from '../keys/retire-journal.ts';
import type { CollectOptions } from './collect.ts';
import { collect, isCursor } from './collect.ts';
import type { GcReport } from './report.ts';
import { emptyReport } from './report.ts';
import { readSystemObject, writeSystemObject } from '../../engine/sealed-objects.ts';
import { countItems, entriesUnder } from '../../util/listing.ts';

/** Asked once the job is held, since somebody else may just have done it. */
export type IsDue = (signal: AbortSignal) => Promise<boolean>;

/** The work of a collection; it goes on at the object where the run before it stopped. */
export function collectionKind(engine: Engine, isDue?: IsDue): JobKind<object, GcReport> {
  return {
    name: 'collection',
    parse: () => ({}),
    async run(context) {
      try {
        return await runCollection(engine, context, isDue);
      } catch (error) {
        throw inContext(error, 'gc', undefined, context.signal);
      }
    },
  };
}

/** The options of a pass, whatever becomes of what it finds. */
function optionsFor(
  engine: Engine,
  { signal, progress }: Pick<JobContext<object>, 'signal' | 'progress'>,
  dryRun: boolean,
): CollectOptions {
  let freed = 0;
  return {
    dryRun,
    signal,
    // What is announced late was written before its hint.
    unreadSince: async () =>
      (await unreadSince(engine, signal)) - engine.backend.capabilities.clockSkew - engine.gracePeriod / 2,
    mayForget: forgetAnnounced(engine, signal, dryRun),
    onProgress({ bytes }) {
      progress({ done: 1, bytes: bytes - freed });
      freed = bytes;
    },
  };
}

async function runCollection(
  engine: Engine,
  { cursor, signal, progress, save }: JobContext<object>,
  isDue: IsDue | undefined,
): Promise<GcReport> {
  if (isDue !== undefined && !(await isDue(signal))) return emptyReport();
  progress({ phase: 'collecting' });
  const after = isCursor(cursor) ? cursor : undefined;
  // What runs by itself is watched by nobody.
  if (isDue === undefined) {
    const from = after && objectName(after);
    progress({ total: await countItems(entriesUnder(engine.backend, AREAS.objects, { after: from, signal })) });
  }
  const report = await collect(engine, {
    ...optionsFor(engine, { signal, progress }, false),
    cursor: after,
    onCursor: (token) => save(token),
  });
  progress({ phase: 'pruning the journal' });
  report.systemObjects += await pruneJournal(engine, signal);
  await noteCollected(engine);
  // Hints that are gone need no key any more.
  await retireJournalKeys(engine, signal);
  return report;
}

export function startCollection(engine: Engine, jobs: Jobs, signal: AbortSignal, isDue?: IsDue): Job<GcReport> {
  return jobs.start(collectionKind(engine, isDue), {}, { signal });
}

/**
 * Counts what a collection would remove now, and changes nothing: no state of a job either, at which a collection could resume. The journal
 * is not looked through.
 *
 * @param tried another history than that of the store, and how far ahead it looks
 */
export function startDryRun(
  engine: Engine,
  signal: AbortSignal,
  tried: { readonly history?: HistorySettings | undefined; readonly ahead?: number } = {},
): Job<GcReport> {
  const kind: JobKind<object, GcReport> = {
    name: 'collection-dry-run',
    parse: () => ({}),
    async run(context) {
      try {
        const { progress } = context;
        progress({ phase: 'collecting' });
        progress({ total: await countItems(entriesUnder(engine.backend, AREAS.objects, { signal: context.signal })) });
        return await collect(engine, { ...optionsFor(engine, context, true), ...tried });
      } catch (error) {
        throw inContext(error, 'gc', undefined, context.signal);
      }
    },
  };
  return startVolatile(kind, {}, { signal, clock: engine.clock });
}

const VERSION = 1;

/** Remembers that the store has been collected, for all processes. What can't be kept costs another collection at most. */
async function noteCollected(engine: Engine): Promise<void> {
  const body = new ByteWriter(16).u8(VERSION).u53(Math.floor(engine.clock.now())).finish();
  try {
    await writeSystemObject(engine, 'job', COLLECTED_NAME, body, {});
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
  }
}

/**
 * Whether the last collection by any process ended over `age` milliseconds ago. Clocks may differ by the few minutes
 * with which a process may write at all. One that is said to be yet to come was not.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function isCollectionDue(engine: Engine, age: number, signal?: AbortSignal): Promise<boolean> {
  try {
    const found = await readSystemObject(engine, 'job', COLLECTED_NAME, signal);
    if (found === undefined) return true;
    const reader: ByteReader = new ByteReader('the time of the last collection', found.plaintext);
    reader.version(VERSION);
    const at = reader.time();
    reader.end();
    return Math.abs(engine.clock.now() - at) >= age;
  } catch (error) {
    // The next collection writes it anew.
    if (SecureStoreError.is(error, 'INTEGRITY')) return true;
    throw error;
  }
}
