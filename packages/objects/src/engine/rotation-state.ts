import type { RunningRotation } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Engine } from './engine.ts';
import type { HeadEdit } from '../head/head-edit.ts';
import { commitHead } from './commit-head.ts';
import type { StoreState } from '../head/store-state.ts';

/** The kind of job that rotates keys, and its id: a store has one at a time. */
export const ROTATION_JOB = 'rotation';

/** The error of what can not be done while a rotation is under way, or was interrupted. */
export function whileRotating(action: string): SecureStoreError {
  return new SecureStoreError('LOCKED', `cannot ${action}: a rotation has not ended`, {
    reason: 'rotating',
    advice: [
      { id: 'wait-for-job', job: ROTATION_JOB },
      { id: 'resume-job', job: ROTATION_JOB },
      { id: 'forget-job', job: ROTATION_JOB },
    ],
  });
}

/** Whether `state` says that the rotation with this id is under way. */
function isRunning({ head }: StoreState, id: Uint8Array): boolean {
  return head.rotation !== undefined && Buffer.compare(head.rotation.id, id) === 0;
}

/**
 * Whether a checkpoint may be made.
 *
 * @param rotation the id of the rotation that makes it, if one does
 * @throws SecureStoreError `LOCKED` while digests may change without versions
 */
export function checkMayChange(state: StoreState, rotation: Uint8Array | undefined): void {
  if (rotation === undefined ? state.head.rotation === undefined : isRunning(state, rotation)) return;
  throw rotation === undefined
    ? whileRotating('make a checkpoint')
    : new SecureStoreError('LOCKED', 'the rotation was taken over by another process', {
        reason: 'job-lost',
        advice: [{ id: 'wait-for-job', job: ROTATION_JOB }],
      });
}

/**
 * @throws SecureStoreError `CONFLICT` if a rotation to another depth is under way; `LOCKED` if the store is being moved, with the
 *   keys that it has
 */
export function checkDepthUnderWay({ head }: StoreState, depth: string): void {
  if (head.migration !== undefined) {
    throw new SecureStoreError('LOCKED', 'cannot rotate: the store is being migrated to another store URL', {
      reason: 'migrating',
      advice: [{ id: 'wait-for-job', job: 'migration' }, { id: 'cancel-migration' }],
    });
  }
  if (head.rotation === undefined || head.rotation.depth === depth) return;
  throw new SecureStoreError(
    'CONFLICT',
    `cannot rotate to the depth "${depth}": a rotation to the depth "${head.rotation.depth}" has not ended`,
    {
      advice: [
        { id: 'resume-job', job: ROTATION_JOB },
        { id: 'forget-job', job: ROTATION_JOB },
      ],
    },
  );
}

/** The rotation that is under way, or was stopped, by the newest head. */
export async function rotationUnderWay({ monitor }: Engine): Promise<RunningRotation | undefined> {
  await monitor.refresh();
  return monitor.state.head.rotation;
}

/** Makes a rotation that is under way that of the process that resumes it. */
export function planTakeOver(rotation: RunningRotation): HeadEdit {
  return { head: { rotation }, outdatesCheckpoint: rotation.depth === 'data' };
}

/** @throws SecureStoreError `NOT_FOUND` if none is under way, `CONFLICT` if one to another depth is */
export async function takeOver(engine: Engine, rotation: RunningRotation, signal: AbortSignal): Promise<void> {
  await commitHead(engine, { signal }, async (state) => {
    checkDepthUnderWay(state, rotation.depth);
    if (state.head.rotation !== undefined) return planTakeOver(rotation);
    throw new SecureStoreError(
      'NOT_FOUND',
      'unfinished rotation does not exist: it ended, or was stopped before it made new encryption keys',
    );
  });
}

/** Records that a rotation is not under way any more; does nothing if another process has taken it over. */
export async function endRotation(engine: Engine, id: Uint8Array, signal?: AbortSignal): Promise<void> {
  await commitHead(engine, { signal }, async (state) =>
    isRunning(state, id) ? { head: { rotation: undefined } } : undefined,
  );
}
