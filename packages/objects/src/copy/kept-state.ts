import { ID_LENGTH, workName, workPrefix } from '@securestore/core-format';
import { digestWhole } from '@securestore/crypto';
import type { Engine } from '../engine.ts';
import { lookAtSystemObject, writeSystemObject } from '../system-objects.ts';

/** What is kept under a label. Times are milliseconds since 1970 by the backend's clock. */
export interface KeptState {
  readonly etag: string;
  readonly modified: number;
  readonly now: number | undefined;
  readonly value: Buffer | undefined;
}

function nameOf(engine: Engine, label: string): string {
  const { digest } = engine.watcher.state.keys.journal;
  const hash = digestWhole(digest, Buffer.from(`${workPrefix('backup')}${label}`));
  return workName('backup', hash.subarray(0, ID_LENGTH));
}

/** What is kept in the store under a label: `undefined` where nothing is; without `value` where it is damaged. */
export async function readKeptState(
  engine: Engine,
  label: string,
  signal?: AbortSignal,
): Promise<KeptState | undefined> {
  const found = await lookAtSystemObject(engine, 'job', nameOf(engine, label), signal);
  if (found === undefined) return undefined;
  const { etag, modified, now } = found;
  return { etag, modified, now, value: 'plaintext' in found ? found.plaintext : undefined };
}

/** Keeps up to 64 KiB under a label, in the place of what has this `etag`, or of nothing. */
export async function writeKeptState(
  engine: Engine,
  label: string,
  value: Uint8Array,
  etag: string | undefined,
): Promise<string> {
  const condition = etag === undefined ? { ifAbsent: true as const } : { ifMatch: etag };
  return (await writeSystemObject(engine, 'job', nameOf(engine, label), value, condition)).etag;
}
