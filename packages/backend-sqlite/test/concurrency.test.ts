import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { openAt, scratchFolder, textOf, utf8 } from './support/stores.ts';

test('while another process writes, reads go on, writes wait their turn, and waiting can be aborted', async () => {
  const path = join(scratchFolder(), 'vault.db');
  const backend = await openAt(path);
  await backend.write('o/a', utf8('1'));
  using other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  const waiting = backend.write('o/a', utf8('2'));
  const controller = new AbortController();
  const given = backend.write('o/b', utf8('2'), { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await textOf(backend, 'o/a')).toBe('1');
  controller.abort(new Error('enough'));
  await expect(given).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
  other.exec('COMMIT');
  await waiting;
  expect([await textOf(backend, 'o/a'), await textOf(backend, 'o/b')]).toEqual(['2', undefined]);
});

test('a lock that is never given up is UNAVAILABLE after half a minute', async () => {
  const path = join(scratchFolder(), 'vault.db');
  const backend = await openAt(path);
  await backend.write('o/a', utf8('1'));
  using other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 10_000));
  try {
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      key: 'o/a',
    });
  } finally {
    clock.mockRestore();
  }
  other.exec('COMMIT');
  await backend.write('o/a', utf8('3'));
  expect(await textOf(backend, 'o/a')).toBe('3');
});

test('writes that share a transaction have their own outcomes', async () => {
  const backend = await openAt(join(scratchFolder(), 'vault.db'));
  await backend.write('o/taken', utf8('1'));
  const outcomes = await Promise.allSettled([
    backend.write('o/1', utf8('1'), { ifAbsent: true }),
    backend.write('o/taken', utf8('2'), { ifAbsent: true }),
    backend.batch([
      { type: 'write', key: 'o/2', body: utf8('2') },
      { type: 'delete', key: 'o/taken', ifMatch: 'other' },
    ]),
    backend.write('o/3', utf8('3')),
    backend.write('o/1', utf8('later'), { ifMatch: 'other' }),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected']);
  expect(outcomes[2]).toMatchObject({ reason: { code: 'CONFLICT', index: 1 } });
  expect((await backend.list('')).entries.map(({ key }) => key)).toEqual(['o/1', 'o/3', 'o/taken']);
});

test('an etag is never given twice, also when a key is deleted and made again', async () => {
  const backend = await openAt(join(scratchFolder(), 'vault.db'));
  const etags = new Set<string>();
  for (let round = 0; round < 5; round++) {
    etags.add((await backend.write('o/a', utf8('same'))).etag);
    await backend.delete('o/a');
    etags.add((await backend.write('o/a', utf8('same'), { ifAbsent: true })).etag);
  }
  expect(etags.size).toBe(10);
});

test('modified and now never run backwards, though the clock is set back and another process begins', async () => {
  const path = join(scratchFolder(), 'vault.db');
  let now = 1_800_000_000_000;
  const first = await openAt(path, () => now);
  expect((await first.write('o/a', utf8('1'))).modified).toBe(now);
  const latest = now;
  now -= 3_600_000;
  const second = await openAt(path, () => now);
  // It stands still, but for a step in a tenth of a second.
  expect((await second.write('o/b', utf8('1'))).modified).toBe(latest + 1);
  expect(await second.read('o/a')).toMatchObject({ modified: latest, now: latest + 1 });
  now = latest + 7;
  expect((await second.write('o/b', utf8('2'))).modified).toBe(now);
});
