import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allKeys, openAt, scratchFolder, utf8 } from './support/stores.ts';

test('the last key of a folder takes the folder with it, and nothing else', async () => {
  const root = scratchFolder();
  const backend = await openAt(root);
  for (const key of ['b/abc./@1/0', 'b/abc./@1/1', 'b/abd', 'b/abc']) await backend.write(key, utf8(key));
  await backend.deleteMany(['b/abc./@1/0', 'b/abc./@1/1', 'b/missing']);
  expect(readdirSync(join(root, 'b/+a')).toSorted()).toEqual(['abc+', 'abd+']);
  await backend.deleteMany(['b/abc', 'b/abd']);
  expect(existsSync(join(root, 'b'))).toBe(false);
});

test('two handles that fill and empty one folder at the same time lose no write', async () => {
  const root = scratchFolder();
  const [one, other] = await Promise.all([openAt(root), openAt(root)]);
  for (let round = 0; round < 30; round++) {
    await one.write('b/x/first', utf8('1'));
    await Promise.all([
      one.delete('b/x/first'),
      other.write('b/x/second', utf8('2')),
      one.write('b/x/third', utf8('3')),
    ]);
    expect(await allKeys(one, 'b/')).toEqual(['b/x/second', 'b/x/third']);
    await other.deleteMany(['b/x/second', 'b/x/third']);
    expect(existsSync(join(root, 'b'))).toBe(false);
  }
});

test('an open handle keeps its temporary folder when another opens and closes', async () => {
  const root = scratchFolder();
  const one = await openAt(root);
  await one.write('store', utf8('1'));
  const other = await openAt(root);
  await other.write('store', utf8('2'));
  expect(readdirSync(join(root, '+temp'))).toHaveLength(2);
  await other.close();
  await one.write('store', utf8('3'));
  await one.close();
  expect(readdirSync(join(root, '+temp'))).toEqual([]);
});

test('modified and now never run backwards, though the clock is set back and the process begins anew', async () => {
  const root = scratchFolder();
  let now = 1_800_000_000_123;
  const first = await openAt(root, () => now);
  expect((await first.write('o/a', utf8('1'))).modified).toBe(now);
  expect(await first.read('o/a')).toMatchObject({ modified: now, now });
  const latest = now;
  now -= 3_600_000;
  // It stands still, but for a step in a tenth of a second.
  expect((await first.write('o/b', utf8('1'))).modified).toBe(latest + 1);
  await first.close();
  const second = await openAt(root, () => now);
  expect(await second.read('o/a')).toMatchObject({ modified: latest, now: latest + 1 });
  expect((await second.write('o/c', utf8('1'))).modified).toBe(latest + 2);
  now = latest + 5;
  expect((await second.write('o/a', utf8('2'))).modified).toBe(now);
  expect((await second.list('o/')).entries.map(({ modified }) => modified)).toEqual([now, latest + 1, latest + 2]);
});

test('sixteen handles race on one counter and lose no increment', async () => {
  const root = scratchFolder();
  const handles = await Promise.all(Array.from({ length: 16 }, () => openAt(root)));
  await handles[0]?.write('counter', utf8('0'));
  const increment = async (backend: (typeof handles)[number]): Promise<void> => {
    const current = await backend.read('counter');
    const next = Number(Buffer.from(current?.body ?? []).toString()) + 1;
    try {
      await backend.write('counter', utf8(String(next)), { ifMatch: current?.etag ?? '' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFLICT' });
      await increment(backend);
    }
  };
  await Promise.all(handles.flatMap((handle) => [increment(handle), increment(handle)]));
  expect(Buffer.from((await handles[0]?.read('counter'))?.body ?? []).toString()).toBe('32');
});
