import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeLocalClock } from '../../backend-fs/test/support/local-clocks.ts';
import { withMachineClock } from '../../backend-testkit/src/support/machine-clock.ts';
import { openAt, scratchFolder, utf8 } from './support/stores.ts';

describeLocalClock(() => {
  const path = join(scratchFolder(), 'vault.db');
  return (clock) => openAt(path, clock);
});

test('to see what time it is by the file system leaves no file beside the database', async () => {
  const folder = scratchFolder();
  const path = join(folder, 'vault.db');
  await withMachineClock(async (machine) => {
    machine.set(-3_600_000);
    await (await openAt(path)).write('o/a', utf8('x'));
  });
  await (await openAt(path)).write('o/a', utf8('y'));
  expect(readdirSync(folder).toSorted()).toEqual(['vault.db', 'vault.db-shm', 'vault.db-wal']);
});
