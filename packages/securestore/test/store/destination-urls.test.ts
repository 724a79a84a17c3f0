import { MemoryBackend } from '@securestore/backend-memory';
import { expect, onTestFinished, test } from 'vitest';
import { createStore, rawKey } from '../../src/index.ts';
import { memoryPlace } from '../support/round-trip.ts';

const unlock = rawKey(Buffer.alloc(32, 1));
const URL = 's3://user:hunter2@bucket/path';

test.each([
  ['unregister', (store) => store.backups.unregister(URL)],
  ['setRetention', (store) => store.backups.setRetention(URL, { last: 3 })],
  ['schedules.add', (store) => store.schedules.add({ id: 'a', cron: '@daily', task: 'backup', destination: URL })],
] as const satisfies [string, (store: Awaited<ReturnType<typeof createStore>>) => Promise<unknown>][])(
  '%s of a destination that is not registered shows no password of its URL',
  async (_, call) => {
    const store = await createStore(memoryPlace(), { unlock, maintenance: false, backend: new MemoryBackend() });
    onTestFinished(() => store.close());
    const error: unknown = await call(store).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining('is not a registered destination') });
    expect(JSON.stringify([error, (error as Error).message])).not.toContain('hunter2');
  },
);
