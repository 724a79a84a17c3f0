import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../support/eager-clock.ts';
import { filePlace } from '../../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../support/stores.ts';

const TERABYTE = 1024 ** 4;

/** The files below a folder of a store. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('objects that somebody has made larger than memory', () => {
  it.each(['o', 'h', 'b', 'k'])('below %s are found and named, and the rest is verified', async (area) => {
    const clock = new EagerClock();
    const place = usePlace(() => filePlace(clock));
    const store = await createAt(place, { clock });
    await store.store('a', 'one');
    await store.store('a', 'two');
    await store.store('b', 'x');
    await store.store('large', patterned(200_000));
    const root = place.url.slice('file:'.length);
    const [first = ''] = filesBelow(join(root, area));
    truncateSync(first, TERABYTE);
    const report = await store.verify({ payloads: true });
    expect(report).toMatchObject({ ok: false, objects: 3 });
    expect(report.findings.map(({ kind }) => kind)).toEqual([area === 'b' ? 'payload' : 'damaged']);
    await store.close();
    if (area === 'k') await failure(openAt(place, { clock }), 'INTEGRITY');
  });

  it('are refused by opening where it is the head', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => filePlace(clock));
    await (await createAt(place, { clock })).close();
    const root = place.url.slice('file:'.length);
    const head = filesBelow(root).find((file) => /\/store[^/]*$/.test(file)) ?? expect.fail('no head');
    truncateSync(head, TERABYTE);
    expect((await failure(openAt(place, { clock }), 'INTEGRITY')).message).toContain('store has 1099511627776 bytes');
  });
});
