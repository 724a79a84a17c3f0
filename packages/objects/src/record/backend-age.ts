import { HEAD_NAME, probeName, SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { sealJournalBody } from '../engine/sealed-objects.ts';

const PROBE_NAME_LENGTH = 16;

/**
 * The backend's clock, in milliseconds since 1970: all ages are differences of it, so that no other clock matters. A
 * backend that doesn't tell it stamps a probe.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function backendNow(engine: Engine, signal?: AbortSignal): Promise<number> {
  const { backend, random } = engine;
  const head = await backend.read(HEAD_NAME, { signal });
  if (head?.now !== undefined) return head.now;
  const name = probeName(random(PROBE_NAME_LENGTH));
  await backend.write(name, await sealJournalBody(engine, 'marker', name, Buffer.alloc(0)), { ifAbsent: true, signal });
  try {
    const probe = await backend.read(name, { signal });
    if (probe !== undefined) return probe.modified;
  } finally {
    // One that stays is removed by a later collection.
    await backend.delete(name).catch(() => undefined);
  }
  throw new SecureStoreError('INTEGRITY', 'the backend lost an object that it had just stored');
}

/** Whether `age` milliseconds have certainly passed since something was written. */
export function isAged({ backend }: Engine, modified: number, now: number, age: number): boolean {
  const { clockSkew, modifiedResolution } = backend.capabilities;
  return now - modified - clockSkew - modifiedResolution >= age;
}

/** Whether the grace period has certainly passed since something was written. */
export function isOld(engine: Engine, modified: number, now: number): boolean {
  return isAged(engine, modified, now, engine.gracePeriod);
}
