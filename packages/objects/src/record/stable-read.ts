import type { Engine } from '../engine/engine.ts';
import { SecureStoreError, splitRecord } from '@securestore/core-format';
import type { StoreState } from '../head/store-state.ts';
import { categoryKeys } from './record-keys.ts';
import type { openByToken, OpenedRecord } from './open-record.ts';

/**
 * Returns the result of `read` once the head is confirmed under which its keys were in use. If the keys have changed meanwhile, it reads
 * again: a process that was idle learns only now that they were destroyed or retired.
 *
 * @throws SecureStoreError errors of `read` and of confirming the head
 */
export async function underStableKeys<T>(
  { monitor }: Engine,
  read: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const reconsidered = monitor.reconsider(signal);
  if (reconsidered !== undefined) await reconsidered;
  while (true) {
    const { keys } = monitor.state;
    const result = await read();
    const wait = monitor.acknowledge(signal);
    if (wait !== undefined) await wait;
    if (monitor.state.keys === keys) return result;
  }
}

/**
 * Returns the result of `attempt`. A refusal counts only once the head is confirmed, as in {@link underStableKeys}; else it is tried again.
 *
 * @param isRefusal whether an error is about what `attempt` found
 * @throws SecureStoreError errors of `attempt` and of confirming the head
 */
export async function refusedUnderStableKeys<T>(
  { monitor }: Engine,
  attempt: () => Promise<T>,
  isRefusal: (error: unknown) => boolean,
  signal: AbortSignal | undefined,
): Promise<T> {
  while (true) {
    const { keys } = monitor.state;
    try {
      return await attempt();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const wait = monitor.acknowledge(signal);
      if (wait !== undefined) await wait;
      if (monitor.state.keys === keys) throw error;
    }
  }
}

/**
 * To be called after reading a payload for long.
 *
 * @throws SecureStoreError `KEY_DESTROYED` if the keys of its category have been destroyed since, or are about to be; as
 *   {@link HeadMonitor.acknowledge}
 */
export async function confirmStill(
  { monitor }: Engine,
  categoryId: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wait = monitor.acknowledge(signal);
  if (wait !== undefined) await wait;
  categoryKeys(monitor.state, categoryId);
}

/** The key version that a record names; `undefined` for bytes that are no record. */
function keyIdOf(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return splitRecord(bytes).envelope.keyId;
  } catch (error) {
    if (SecureStoreError.is(error)) return undefined;
    throw error;
  }
}

/**
 * Opens a record. If it names a key version that this process doesn't know, it was written after a change of the head that this process
 * has not followed yet: then the newest head is read first.
 *
 * @throws SecureStoreError errors of `open`; `LOCKED` if the newest keys can't be had
 */
export async function withRefreshedKeys<T>(
  { monitor }: Engine,
  bytes: Uint8Array,
  open: (state: StoreState) => T,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return open(monitor.state);
  } catch (error) {
    const { keys, categories } = monitor.state;
    const keyId = keyIdOf(bytes);
    if (keyId === undefined) throw error;
    if (keys.knows(keyId)) {
      // The categories may have been changed while this process was idle, so that its name belongs to another one.
      const wait = monitor.acknowledge(signal);
      if (wait === undefined) throw error;
      await wait;
      if (monitor.state.categories === categories) throw error;
    } else {
      await monitor.refresh(signal);
      monitor.checkFollowing();
    }
    return open(monitor.state);
  }
}

/**
 * Opens a record of which only the token is known, as {@link withRefreshedKeys} does.
 *
 * @param open `openLoose` or `openByToken`
 */
export function openOfToken(
  engine: Engine,
  open: typeof openByToken,
  token: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<OpenedRecord> {
  return withRefreshedKeys(engine, bytes, (state) => open(state, bytes, engine.names, token), signal);
}
