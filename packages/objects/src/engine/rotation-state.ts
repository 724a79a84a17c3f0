import type { RunningRotation } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Engine } from './engine.ts';
import type { HeadEdit } from '../head/head-edit.ts';
import { commitHead } from './commit-head.ts';
import type { StoreState } from '../head/store-state.ts';

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
  throw new SecureStoreError(
    'LOCKED',
    rotation === undefined
      ? 'no checkpoint can be made while a rotation is under way; resume the job "rotation" if it was stopped'
      : 'the rotation was taken over by somebody else',
  );
}

/**
 * @throws SecureStoreError `CONFLICT` where a rotation to another depth is under way; `LOCKED` where the store is being moved, with the
 *   keys that it has
 */
export function checkDepthUnderWay({ head }: StoreState, depth: string): void {
  if (head.migration !== undefined) {
    throw new SecureStoreError(
      'LOCKED',
      'the store is being moved to another location: wait until it has moved, or cancel the migration, and rotate then',
    );
  }
  if (head.rotation === undefined || head.rotation.depth === depth) return;
  throw new SecureStoreError(
    'CONFLICT',
    `a rotation to the depth "${head.rotation.depth}" is not finished: resume the job "rotation", or forget it and start this one`,
  );
}

/** The rotation that is under way, or was stopped, by the newest head. */
export async function rotationUnderWay({ monitor }: Engine): Promise<RunningRotation | undefined> {
  await monitor.refresh();
  return monitor.state.head.rotation;
}

/** What makes a rotation that is under way the one of whoever goes on with it. */
export function planTakeOver(rotation: RunningRotation): HeadEdit {
  return { head: { rotation }, outdatesCheckpoint: rotation.depth === 'data' };
}

/** @throws SecureStoreError `NOT_FOUND` where none is under way, `CONFLICT` where one to another depth is */
export async function takeOver(engine: Engine, rotation: RunningRotation, signal: AbortSignal): Promise<void> {
  await commitHead(engine, { signal }, async (state) => {
    checkDepthUnderWay(state, rotation.depth);
    if (state.head.rotation !== undefined) return planTakeOver(rotation);
    throw new SecureStoreError(
      'NOT_FOUND',
      'no rotation is under way: it has ended, or it was stopped before it made new keys. Nothing is left to do',
    );
  });
}

/** Says that a rotation is not under way any more. Nothing where somebody else has taken it over. */
export async function endRotation(engine: Engine, id: Uint8Array, signal?: AbortSignal): Promise<void> {
  await commitHead(engine, { signal }, async (state) =>
    isRunning(state, id) ? { head: { rotation: undefined } } : undefined,
  );
}
