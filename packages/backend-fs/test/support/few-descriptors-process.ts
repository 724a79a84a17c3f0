import { closeSync, openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendDefinition, StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

const [packageName = '', url = '', act = ''] = process.argv.slice(2);
const { default: definition } = (await import(packageName)) as { default: BackendDefinition };

async function opened(): Promise<StorageBackend> {
  const backend = definition.create();
  await backend.init({ url, options: {} });
  return backend;
}

async function say(calls: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) {
    const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined;
    const { code, message, retryable } = SecureStoreError.is(error) ? error : { message: String(error) };
    const said = error === undefined ? { status: 'done' } : { status: 'failed', code, message, retryable };
    writeSync(1, `${JSON.stringify(said)}\n`);
  }
}

/** Takes every descriptor that is left. @returns gives them back */
function takeAll(): () => void {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync(devNull, 'r'));
  } catch {
    return () => taken.forEach((descriptor) => closeSync(descriptor));
  }
}

if (act === 'many') {
  // Far more calls at once than there are descriptors.
  const backend = await opened();
  const keys = Array.from({ length: 200 }, (_, n) => `o/${n}`);
  await say(keys.map((key) => backend.write(key, new Uint8Array(2_000_000 / 200))));
  await say(keys.map((key) => backend.read(key)));
  await backend.close();
}

if (act === 'open') {
  // A process that has used up all of them opens what another backend has written to, and is let go on.
  const writer = await opened();
  await writer.write('o/a', new Uint8Array(1));
  const giveBack = takeAll();
  const opening = opened();
  opening.catch(() => undefined);
  await sleep(50);
  giveBack();
  await say([opening.then(async (backend) => (await backend.read('o/a')) ?? Promise.reject(new Error('it is gone')))]);
  await (await opening).close();
  await writer.close();
}
