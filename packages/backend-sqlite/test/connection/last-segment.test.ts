import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openAt, scratchFolder, utf8 } from '../support/stores.ts';

/** The rows of segments as another program sees them, the last one first: id, and length of data. */
function segments(path: string): { id: number; length: number | null }[] {
  using db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare('SELECT id, length(data) AS length FROM segment ORDER BY id DESC').all();
  return rows.map(({ id, length }) => ({ id: Number(id), length: length as number | null }));
}

const LARGE: Uint8Array = new Uint8Array(600_000).fill(7);

test.each([
  ['a small body', utf8('text')],
  ['an empty body', new Uint8Array(0)],
  ['a body of three segments', LARGE],
])('an etag is not used again after %s was deleted, also by another process', async (_, body) => {
  const path = join(scratchFolder(), 'vault.db');
  const seen = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const backend = await openAt(path);
    const { etag } = await backend.write('o/a', body, { ifAbsent: true });
    expect(seen).not.toContain(etag);
    seen.add(etag);
    await backend.delete('o/a', { ifMatch: etag });
    await backend.close();
    // What was deleted leaves one row without data, however often that happens.
    expect(segments(path)).toEqual([{ id: expect.any(Number), length: null }]);
  }
});

test('the time of a deleted body is never undercut by another process', async () => {
  const path = join(scratchFolder(), 'vault.db');
  const backend = await openAt(path, () => 2_000_000);
  const { modified = Number.NaN } = await backend.write('o/a', utf8('text'));
  await backend.delete('o/a');
  await backend.close();
  const other = await openAt(path, () => 1_999_000);
  const next = await other.write('o/b', utf8('text'));
  expect(next.modified).toBeGreaterThanOrEqual(modified);
  expect((await other.read('o/b'))?.now).toBeGreaterThanOrEqual(modified);
});

test('a row without data goes with the next write, and no other is left behind', async () => {
  const path = join(scratchFolder(), 'vault.db');
  const backend = await openAt(path);
  await backend.write('o/a', LARGE);
  await backend.write('o/b', utf8('text'));
  await backend.batch([
    { type: 'delete', key: 'o/b' },
    { type: 'delete', key: 'o/a' },
  ]);
  expect(segments(path)).toEqual([{ id: 128, length: null }]);
  // Both in one transaction: the row is vacated and removed within it.
  await backend.batch([
    { type: 'write', key: 'o/c', body: utf8('text') },
    { type: 'delete', key: 'o/d' },
  ]);
  await backend.batch([
    { type: 'delete', key: 'o/c' },
    { type: 'write', key: 'o/d', body: new Uint8Array(0) },
  ]);
  expect(segments(path)).toEqual([{ id: 256, length: 0 }]);
  await backend.write('o/d', utf8('other'));
  await backend.write('o/d', LARGE);
  expect(segments(path).map(({ id }) => id)).toEqual([386, 385, 384]);
  expect((await backend.read('o/d'))?.body).toEqual(LARGE);
});
