import { ByteReader, ByteWriter, COLLECTED_NAME, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { readSystemObject, writeSystemObject } from '../../engine/sealed-objects.ts';

const VERSION = 1;

/** Remembers that the store has been collected, for all processes. What can't be kept costs another collection at most. */
export async function noteCollected(engine: Engine): Promise<void> {
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
