import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { SERVED_PLACES } from '../../../tools/services/src/places.ts';
import { provideServer } from '../../../tools/services/src/provide.ts';
import { TORTURE } from '../../backend-fs/test/support/crash-campaign.ts';
import { roundTrip } from './support/round-trip.ts';

const folder = mkdtempSync(join(tmpdir(), 'securestore-pairs-'));
const LOCAL = ['memory', 'file', 'sqlite'] as const;
const NAMES: readonly string[] = [...LOCAL, ...SERVED_PLACES.map(({ name }) => name)];

/** Makes a location where nothing is, by the name of a backend; those whose server is not to be had have none. */
const fresh = new Map<string, () => string>();
const label = (): string => `p${randomUUID().replaceAll('-', '')}`;
const ends: (() => Promise<void>)[] = [];

// The rings in `npm test` have each backend at each end; this takes a quarter of an hour and all servers at once.
describe.skipIf(!TORTURE)('between any two backends (only npm run torture)', () => {
  beforeAll(async () => {
    fresh.set('memory', () => `memory:${label()}`);
    fresh.set('file', () => `file:${join(folder, label())}`);
    fresh.set('sqlite', () => `sqlite:${join(folder, `${label()}.db`)}`);
    for (const { name, service, at, prepare } of SERVED_PLACES) {
      const { provided, stop } = await provideServer(service);
      ends.push(stop);
      if ('skip' in provided) continue;
      await prepare?.(provided.url);
      fresh.set(name, () => at(provided.url, label()));
    }
  }, 600_000);

  afterAll(async () => {
    for (const end of ends) await end();
    rmSync(folder, { recursive: true, force: true });
  });

  const pairs = NAMES.flatMap((from, at) =>
    NAMES.map((through, step) => ({ from, through, to: NAMES[(at + step + 1) % NAMES.length] ?? 'memory' })),
  );
  test.each(pairs)('from $from through $through to $to', async ({ from, through, to }) => {
    const [source, backups, target] = [from, through, to].map((name) => fresh.get(name)?.());
    if (source === undefined || backups === undefined || target === undefined) {
      console.error(`skipped: no server for ${from}, ${through} or ${to}`);
      return;
    }
    await roundTrip({ from: source, through: backups, to: target });
  });
});
