import type { Job, JobContext, JobKind, Jobs } from '@securestore/jobs';
import { inContext } from '../../api/call-boundary.ts';
import type { Engine } from '../../engine/engine.ts';
import { forgetAnnounced } from '../../journal/late-deletions.ts';
import { pruneJournal, unreadSince } from '../../journal/prune.ts';
import { retireJournalKeys } from '../keys/retire-journal.ts';
import { collect, isCursor } from './collect.ts';
import { noteCollected } from './last-run.ts';
import type { CollectReport } from './report.ts';
import { emptyReport } from './report.ts';

/** Asked once the job is held, since somebody else may just have done it. */
export type IsDue = (signal: AbortSignal) => Promise<boolean>;

/** The work of a collection; it goes on at the object where the run before it stopped. */
export function collectionKind(engine: Engine, isDue?: IsDue): JobKind<object, CollectReport> {
  return {
    name: 'collection',
    parse: () => ({}),
    async run(context) {
      try {
        return await runCollection(engine, context, isDue);
      } catch (error) {
        throw inContext(error, 'collect', undefined, context.signal);
      }
    },
  };
}

async function runCollection(
  engine: Engine,
  { cursor, signal, progress, save }: JobContext<object>,
  isDue: IsDue | undefined,
): Promise<CollectReport> {
  if (isDue !== undefined && !(await isDue(signal))) return emptyReport();
  progress({ phase: 'collecting' });
  let freed = 0;
  const report = await collect(engine, {
    cursor: isCursor(cursor) ? cursor : undefined,
    signal,
    // What is announced late was written before its hint.
    unreadSince: async () =>
      (await unreadSince(engine, signal)) - engine.backend.capabilities.clockSkew - engine.gracePeriod / 2,
    mayForget: forgetAnnounced(engine, signal),
    onProgress({ bytes }) {
      progress({ done: 1, bytes: bytes - freed });
      freed = bytes;
    },
    onCursor: (token) => save(token),
  });
  progress({ phase: 'pruning the journal' });
  report.systemObjects += await pruneJournal(engine, signal);
  await noteCollected(engine);
  // Hints that are gone need no key any more.
  await retireJournalKeys(engine, signal);
  return report;
}

export function startCollection(engine: Engine, jobs: Jobs, signal: AbortSignal, isDue?: IsDue): Job<CollectReport> {
  return jobs.start(collectionKind(engine, isDue), {}, { signal });
}
