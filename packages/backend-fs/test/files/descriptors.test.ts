import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NO_LIMITS, withFewDescriptors } from '../support/few-descriptors.ts';
import { scratchFolder } from '../support/stores.ts';

test('more calls at once than there are descriptors wait for each other, and none fails', async (context) => {
  if (NO_LIMITS !== undefined) context.skip(NO_LIMITS);
  const said = await withFewDescriptors('@securestore/backend-fs', `file:${join(scratchFolder(), 'vault')}`, 'many');
  expect(said.filter(({ status }) => status !== 'done')).toEqual([]);
  expect(said).toHaveLength(400);
});

test('a process without descriptors opens a folder as soon as there are some', async (context) => {
  if (NO_LIMITS !== undefined) context.skip(NO_LIMITS);
  const url = `file:${join(scratchFolder(), 'vault')}`;
  expect(await withFewDescriptors('@securestore/backend-fs', url, 'open')).toEqual([{ status: 'done' }]);
});
