import type { Job, JobKind, Jobs } from '@securestore/jobs';
import type { Engine } from '../engine.ts';
import { pruneJournal, unreadSince } from '../journal/prune.ts';
import { collect, isCursor } from './collect.ts';
import type { MayForget } from './pass.ts';
import type { CollectReport } from './report.ts';

const MICROSECONDS = 1000;

/** What consumers of the journal have still to learn of stays. */
async function consumersForget(engine: Engine, signal: AbortSignal): Promise<MayForget> {
  const unread = (await unreadSince(engine, signal)) - engine.backend.capabilities.clockSkew;
  return (_token, header) => header.version < unread * MICROSECONDS;
}

/** The work of a collection; it goes on at the object where the run before it stopped. */
export function collectionKind(engine: Engine): JobKind<object, CollectReport> {
  return {
    name: 'collection',
    parse: () => ({}),
    async run({ cursor, signal, progress, save }) {
      progress({ phase: 'collecting' });
      let freed = 0;
      const report = await collect(engine, {
        cursor: isCursor(cursor) ? cursor : undefined,
        signal,
        mayForget: await consumersForget(engine, signal),
        onProgress({ bytes }) {
          progress({ done: 1, bytes: bytes - freed });
          freed = bytes;
        },
        onCursor: (token) => save(token),
      });
      progress({ phase: 'pruning the journal' });
      await pruneJournal(engine, signal);
      return report;
    },
  };
}

export function startCollection(engine: Engine, jobs: Jobs, signal: AbortSignal): Job<CollectReport> {
  return jobs.start(collectionKind(engine), {}, { signal });
}
