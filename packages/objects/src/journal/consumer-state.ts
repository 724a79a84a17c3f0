import type { ConsumerState, PassOwed } from '@securestore/core-format';
import {
  decodeConsumer,
  encodeConsumer,
  MAX_CONSUMER_BYTES,
  purposeOf,
  SecureStoreError,
  sha256,
  SYSTEM_PREFIX_LENGTH,
  TAG_LENGTH,
  workPrefix,
} from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import type { DamagedObject, Stored } from '../engine/sealed-objects.ts';
import { lookAtSystemObject, sealJournalBody } from '../engine/sealed-objects.ts';
import { entriesUnder } from '../util/listing.ts';

const MAX_TRIES = 5;

/** The state of a consumer as it is stored at the backend. */
export interface HeldConsumer extends Stored {
  readonly state: ConsumerState;
}

/** What a consumer has read that starts over: nothing, so that it owes a pass. */
export const NOTHING_READ: Pick<ConsumerState, 'pass' | 'cursors' | 'pending'> = {
  pass: 'afresh',
  cursors: [],
  pending: [],
};

/** The state of a consumer that is registered now. */
export function newConsumer({ clock, monitor }: Engine, label: string, pass: PassOwed): ConsumerState {
  const since = monitor.state.head.generation;
  return { label, started: clock.now(), since, expired: false, pass, cursors: [], pending: [] };
}

/** A digest of everything that a consumer has confirmed: the same until it confirms more, starts over or is registered again. */
export function markOf(state: ConsumerState): string {
  return sha256(encodeConsumer(state)).toString('hex');
}

/** The names of the states of all consumers. @throws SecureStoreError what the backend throws */
export async function* consumerNames({ backend }: Engine, signal: AbortSignal | undefined): AsyncGenerator<string> {
  for await (const { key } of entriesUnder(backend, workPrefix('consumer'), { signal })) {
    if (purposeOf(key) !== undefined) yield key;
  }
}

/** What is stored at the name of a consumer, also if it is damaged. @throws SecureStoreError `FORMAT_VERSION`, and what the backend throws */
export async function lookAtConsumer(
  engine: Engine,
  name: string,
  signal?: AbortSignal,
): Promise<HeldConsumer | DamagedObject | undefined> {
  const found = await lookAtSystemObject(engine, 'consumer', name, signal);
  if (found === undefined || 'error' in found) return found;
  const { etag, modified, now } = found;
  return { state: decodeConsumer(found.plaintext), etag, modified, now };
}

/** Whether the state fits into one object. */
export function fitsConsumer({ backend }: Engine, state: ConsumerState): boolean {
  const room = backend.capabilities.maxBodyBytes - SYSTEM_PREFIX_LENGTH - TAG_LENGTH;
  return encodeConsumer(state).length <= Math.min(MAX_CONSUMER_BYTES, room);
}

/**
 * Writes the state of a consumer over the one with `etag`, or none.
 *
 * @throws SecureStoreError `CONFLICT` if another one is stored there, and what the backend throws
 */
export async function saveConsumer(
  engine: Engine,
  name: string,
  state: ConsumerState,
  etag: string | undefined,
): Promise<HeldConsumer> {
  const { backend } = engine;
  const condition = etag === undefined ? { ifAbsent: true as const } : { ifMatch: etag };
  const bodies: Buffer[] = [];
  for (let tries = 1; ; tries++) {
    // Anew for each try, as a marker is: the key of the one before may be gone.
    const body = await sealJournalBody(engine, 'consumer', name, encodeConsumer(state));
    bodies.push(body);
    try {
      const written = await backend.write(name, body, condition);
      if (written.modified !== undefined) {
        return { state, etag: written.etag, modified: written.modified, now: written.modified };
      }
    } catch (error) {
      if (!isUndecided(error) || (error.code !== 'CONFLICT' && tries === MAX_TRIES)) throw error;
    }
    // No two bodies are the same, so what is stored there tells what became of these.
    const found = await backend.read(name);
    if (found !== undefined && bodies.some((written) => written.equals(found.body))) {
      return { state, etag: found.etag ?? '', modified: found.modified, now: found.now };
    }
    if (found?.etag !== etag || tries === MAX_TRIES) {
      throw new SecureStoreError('CONFLICT', `the state of consumer "${state.label}" was changed by another process`);
    }
  }
}

/** One that has expired takes part again: from now on the journal is kept for it. @throws SecureStoreError as {@link saveConsumer} */
export async function revived(engine: Engine, name: string, found: HeldConsumer): Promise<HeldConsumer> {
  return found.state.expired ? saveConsumer(engine, name, { ...found.state, expired: false }, found.etag) : found;
}
