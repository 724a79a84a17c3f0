import { SecureStoreError } from '@securestore/core-format';
import type { Job, JobKind, Jobs } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import { followCheckpoint } from './from-journal.ts';
import type { CheckpointReport } from './make.ts';

/**
 * Begun anew when it is resumed: pages that were written are found, and the cut is to be a late one.
 *
 * @param afresh no parameter that is stored, so that whoever goes on with a checkpoint that failed decides it
 */
export function checkpointKind(engine: Engine, afresh = false): JobKind<object, CheckpointReport> {
  return {
    name: 'checkpoint',
    parse: () => ({}),
    run({ signal, progress }) {
      progress({ phase: 'reading objects' });
      return followCheckpoint(engine, { afresh, signal, onExamined: () => progress({ done: 1 }) });
    },
  };
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function startCheckpoint(
  engine: Engine,
  jobs: Jobs,
  afresh: unknown,
  signal: AbortSignal,
): Job<CheckpointReport> {
  if (typeof afresh !== 'boolean') {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "afresh" must be a boolean');
  }
  return jobs.start(checkpointKind(engine, afresh), {}, { signal });
}
