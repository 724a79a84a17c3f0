import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PLACES } from '../support/places.ts';
import { createAt, patterned, usePlace } from '../support/stores.ts';

const MIB = 1024 * 1024;
const LENGTH = 96 * MIB;
const PROGRAM: string = fileURLToPath(new URL('read-large.ts', import.meta.url));
const FLAGS = ['--conditions=@securestore/source', '--no-warnings', '--single-threaded-gc', '--trace-gc'];

test('reading a large object has V8 free what was read while it lasts', async () => {
  const place = usePlace(new Map(PLACES).get('file') ?? expect.fail('there is no file place'));
  const store = await createAt(place);
  await store.store('large', patterned(LENGTH));
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, PROGRAM, place.url, String(LENGTH)]);
  const [, reading = ''] = stdout.split('reading\n');
  // Without that, V8 marks its whole heap once or twice, and the young generation is not collected at all.
  expect(reading.match(/Scavenge/g)?.length ?? 0).toBeGreaterThanOrEqual(4);
});
