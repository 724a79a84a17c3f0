import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskCapacity } from '../../src/index.ts';

it('tells how much room there is on the file system of a path, and nothing of one that does not exist', async () => {
  const { free, total } = (await diskCapacity(tmpdir())) ?? { free: -1, total: -1 };
  expect(total).toBeGreaterThan(1_000_000);
  expect(free).toBeGreaterThanOrEqual(0);
  expect(free).toBeLessThanOrEqual(total);
  expect(await diskCapacity(join(tmpdir(), 'nowhere', 'at', 'all'))).toBeUndefined();
});
