import { SecureStoreError } from '@securestore/core-format';
import { isCount, isObject } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { SealedState } from '../repository/destination-state.ts';
import type { TrustedTip } from './registry.ts';

/** A process that follows tells others how far it is at least so often, in milliseconds, and so often where its cuts come fast. */
const SLOWEST_BEAT = 5000;
const INTERVALS_PER_BEAT = 4;
/** One that has told nothing for so long, in milliseconds, is taken for dead. */
const ALIVE_FOR = 30_000;
/** What one said that has been silent for so long is of no use any more, in milliseconds: no journal is kept for it either. */
const KNOWN_FOR: number = 7 * 24 * 60 * 60 * 1000;

/** So much is kept of why it can't go on, in characters: a destination may say anything. */
const MAX_REASON = 1000;

/** Up to when it is known what the store was. */
export interface Reached {
  /** The newest point at that time: nothing has changed since. */
  readonly point: TrustedTip;
  /** By the clock of the store's backend, in milliseconds since 1970. */
  readonly time: number;
}

/** What a continuous backup says of itself, for other processes. */
export interface ReplicationStatus {
  readonly reached?: Reached | undefined;
  /** Why it can't go on now. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  /** Whether it was ended on purpose. */
  readonly isOver: boolean;
}

/** What is known of a continuous backup. */
export interface CurrentReplicationStatus extends ReplicationStatus {
  /** Whether a process follows the destination at this moment. */
  readonly isAlive: boolean;
  /** How long ago it has said so, in milliseconds, by the clock of the store's backend; a rotation of keys says it once more. */
  readonly silent: number;
}

/** How often a process that makes a cut in so many milliseconds tells how far it is. */
export function beatOf(interval: number): number {
  return Math.min(SLOWEST_BEAT, INTERVALS_PER_BEAT * interval);
}

function parseReached(value: unknown): Reached | undefined {
  if (!isObject(value) || !isObject(value['point']) || !isCount(value['time'])) return undefined;
  const { number, digest } = value['point'];
  return isCount(number) && typeof digest === 'string' ? { point: { number, digest }, time: value['time'] } : undefined;
}

function parse(value: unknown): ReplicationStatus {
  const { reached, error, isOver } = value as Partial<Record<keyof ReplicationStatus, unknown>>;
  const known = parseReached(reached);
  const isError = isObject(error) && typeof error['code'] === 'string' && typeof error['message'] === 'string';
  return {
    ...(known && { reached: known }),
    ...(isError && { error: { code: String(error['code']), message: String(error['message']) } }),
    isOver: isOver === true,
  };
}

function stateOf(area: BackupArea, id: Uint8Array): SealedState<ReplicationStatus> {
  return new SealedState(area, 'followed', id, 'a continuous backup', parse);
}

/**
 * Tells other processes how far a continuous backup is. If that can't be kept, they know what lies at the destination.
 *
 * @param id of the destination
 * @param after what this process has told last: nothing is told if another process has told something since
 * @returns what is told now, for the next call
 */
export async function publishReplicationStatus(
  area: BackupArea,
  id: Uint8Array,
  replication: ReplicationStatus,
  after?: string,
): Promise<string | undefined> {
  const { code, message = '' } = replication.error ?? {};
  const reason = code === undefined ? {} : { error: { code, message: message.slice(0, MAX_REASON).toWellFormed() } };
  try {
    const state = stateOf(area, id);
    const next = state.seal({ ...replication, ...reason });
    await state.shared.update(({ value }) => (after === undefined || value?.sealed === after ? next : undefined));
    return next.sealed;
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    return after;
  }
}

/** Nobody knows more than there was when they said it. */
function notAfter(reached: Reached | undefined, said: number): Reached | undefined {
  return reached && { ...reached, time: Math.min(reached.time, said) };
}

/**
 * What a continuous backup has said of itself last, in any process; `undefined` if nothing is known. Of what is under a key that was
 * replaced there is only when it was said: who had it may have the right to back up no more, but that nobody ships goes on being so.
 *
 * @param id of the destination
 */
export async function replicationStatusAt(
  area: BackupArea,
  id: Uint8Array,
  signal?: AbortSignal,
): Promise<CurrentReplicationStatus | undefined> {
  if (!area.hasKeys) return undefined;
  try {
    const found = await stateOf(area, id).read(signal);
    if (found?.value === undefined) return undefined;
    const { value: replication, isOld, stored } = found;
    const silent = Math.max(0, (stored.now ?? area.clock.now()) - stored.modified);
    if (silent > KNOWN_FOR) return undefined;
    const { isOver } = replication;
    const now = { isOver, isAlive: !isOver && silent <= ALIVE_FOR, silent };
    if (isOld) return now;
    return { ...replication, ...now, reached: notAfter(replication.reached, stored.modified) };
  } catch (error) {
    // Nothing is known, then.
    if (SecureStoreError.is(error) && signal?.aborted !== true) return undefined;
    throw error;
  }
}
