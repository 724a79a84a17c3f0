import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PLACES } from '../support/places.ts';
import { createAt, patterned, usePlace } from '../support/stores.ts';

const MIB = 1024 * 1024;
const PROGRAM: string = fileURLToPath(new URL('read-large.ts', import.meta.url));
const FLAGS = ['--conditions=@securestore/source', '--no-warnings', '--single-threaded-gc', '--trace-gc'];

/** How often V8 collects its young generation while a process reads an object: all of it, or so many ranges. */
async function collectionsWhileReading(length: number, ranges = 0): Promise<number> {
  const place = usePlace(new Map(PLACES).get('file') ?? expect.fail('there is no file place'));
  const store = await createAt(place);
  await store.store('large', patterned(length));
  const args = [...FLAGS, PROGRAM, place.url, String(length), String(ranges)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [, reading] = stdout.split('reading\n');
  return (reading ?? expect.fail(stdout)).match(/Scavenge/g)?.length ?? 0;
}

test('reading a large object has V8 free what was read while it lasts', async () => {
  // Without that, V8 marks its whole heap once or twice, and the young generation is not collected at all.
  expect(await collectionsWhileReading(192 * MIB)).toBeGreaterThanOrEqual(4);
});

test('reading a range does not wait until the garbage of others is freed', async () => {
  expect(await collectionsWhileReading(8 * MIB, 12)).toBeLessThan(3);
});
