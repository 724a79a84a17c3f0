import type { StoreKey } from '@securestore/core-format';
import { SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Engine } from './engine.ts';

/** Whether the keys of the category that an object of this name belongs to are here. */
export function isGrantedName({ monitor }: Engine, key: StoreKey): boolean {
  const { keys, categories } = monitor.state;
  return keys.owner !== undefined || keys.has(categories.idOf(key));
}

/** The same of a record, by what its header says. */
export function isGrantedRecord({ monitor }: Engine, bytes: Uint8Array): boolean {
  const { keys } = monitor.state;
  return keys.owner !== undefined || keys.has(splitRecord(bytes).header.categoryId);
}

/**
 * To be called before an object is looked at: a member has nothing to do with one of a category that was not granted, whether it
 * is there or not. `undefined` if all is well; else a promise to await, since it may have been granted just now.
 *
 * @throws SecureStoreError `ACCESS_DENIED`, and what confirming the head throws
 */
export function checkGranted(
  engine: Engine,
  key: StoreKey,
  signal: AbortSignal | undefined,
): Promise<void> | undefined {
  return isGrantedName(engine, key) ? undefined : confirmGranted(engine, key, signal);
}

async function confirmGranted(engine: Engine, key: StoreKey, signal: AbortSignal | undefined): Promise<void> {
  await engine.monitor.acknowledge(signal);
  if (isGrantedName(engine, key)) return;
  const { categories } = engine.monitor.state;
  const category = JSON.stringify(categories.nameOf(categories.idOf(key)));
  throw new SecureStoreError('ACCESS_DENIED', `the category ${category} was not granted to this member`, {
    advice: [{ id: 'ask-owner' }],
  });
}
