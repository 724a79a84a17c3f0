import { existsSync, lutimesSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withMachineClock } from '../../backend-testkit/src/support/machine-clock.ts';
import { describeLocalClock } from './support/local-clocks.ts';
import { openAt, scratchFolder, utf8 } from './support/stores.ts';

describeLocalClock(() => {
  const root = join(scratchFolder(), 'vault');
  return (clock) => openAt(root, clock);
});

test('files of others in the folder of a store keep their times', async () => {
  const root = scratchFolder();
  const backend = await openAt(root);
  await backend.write('o/a', utf8('x'));
  const later = Date.now() / 1000 + 3_600;
  for (const name of ['.note', 'o/notes.txt', '+clock']) {
    if (name !== '+clock') writeFileSync(join(root, name), 'mine');
    lutimesSync(join(root, name), later, later);
  }
  expect(await backend.resetClock()).toBeGreaterThan(3_500_000);
  for (const name of ['.note', 'o/notes.txt']) expect(statSync(join(root, name)).mtimeMs).toBeGreaterThan(Date.now());
  expect(statSync(join(root, '+clock')).mtimeMs).toBeLessThanOrEqual(Date.now());
});

test('a link in the place of the folder for temporary files is not followed to see what time it is', async () => {
  const root = scratchFolder();
  const backend = await openAt(root);
  await withMachineClock(async (machine) => {
    machine.set(-3_600_000);
    await (await openAt(root)).write('o/a', utf8('x'));
  });
  const elsewhere = scratchFolder();
  mkdirSync(join(elsewhere, 'kept'));
  rmSync(join(root, '+temp'), { recursive: true });
  symlinkSync(elsewhere, join(root, '+temp'));
  await expect(backend.delete('o/a')).rejects.toMatchObject({ code: 'INTEGRITY' });
  expect(readdirSync(elsewhere)).toEqual(['kept']);
  expect(existsSync(join(root, 'o'))).toBe(true);
});
