import { forwardTo } from '@securestore/backend-api';
import type { Layer, StorageBackend } from '@securestore/backend-api';
import { AREAS, auditName, auditPrefix, decodeHead, HEAD_NAME } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { move, reached } from './support/moves.ts';

const PARTS = 40_000;
const SEGMENTS = 4;
const BEGAN = 1_700_000_000_000;

const segment = (at: number): string => auditPrefix(BEGAN + at, Buffer.alloc(16, at));
const part = (at: number, n: number): string => auditName(segment(at), n);

async function partsOf(backend: StorageBackend): Promise<string[]> {
  const names: string[] = [];
  for (let after: string | undefined, more = true; more;) {
    const page = await backend.list(AREAS.audit, after === undefined ? {} : { after });
    names.push(...page.entries.map(({ key }) => key));
    after = names.at(-1);
    ({ more } = page);
  }
  return names;
}

/** Counts how often the audit log is listed on both sides once the store is closed, and how many of those calls follow each other. */
function whileClosed(atClosed: () => Promise<void>) {
  let closed = false;
  const counted = () => {
    const seen = { listings: 0, rounds: 0 };
    let underWay = 0;
    const layer: Layer = (inner) =>
      withoutBatch(
        forwardTo(inner, {
          async write(key, body, options) {
            const written = await inner.write(key, body, options);
            if (key !== HEAD_NAME || decodeHead(body).head.state !== 'closing' || closed) return written;
            closed = true;
            await atClosed();
            return written;
          },
          async list(prefix, options) {
            if (!closed || !prefix.startsWith(AREAS.audit)) return inner.list(prefix, options);
            seen.listings += 1;
            if (underWay === 0) seen.rounds += 1;
            underWay += 1;
            try {
              await new Promise((resolve) => void setImmediate(resolve));
              return await inner.list(prefix, options);
            } finally {
              underWay -= 1;
            }
          },
        }),
      );
    return { layer, seen };
  };
  return { source: counted(), target: counted() };
}

it('comes along whole, and what comes while the store closes is looked for side by side', async () => {
  const clock = new EagerClock();
  const [from, to] = [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
  await (await createAt(from, { clock })).close();
  const [source, target] = [await reached(from), await reached(to)];
  for (let n = 0; n < PARTS; n++) await source.write(part(n % SEGMENTS, n), Buffer.from(`part ${n}`));
  // In segments that were there, at the end of the log and in its middle, and in ones that begin before, between and after them.
  const late = [part(0, PARTS), part(2, PARTS), part(-5, 0), part(SEGMENTS + 5, 0), part(1, PARTS + 1)];
  const sides = whileClosed(async () => {
    for (const name of late) await source.write(name, Buffer.from('late'));
  });
  const report = await move(from, to, { clock, fromLayers: [sides.source.layer], toLayers: [sides.target.layer] });
  expect(report).toMatchObject({ migrated: true, failures: 0 });
  const names = await partsOf(target);
  expect(names).toEqual(await partsOf(source));
  expect(names).toEqual(expect.arrayContaining(late));
  for (const name of [...late, part(3, 3)]) {
    expect((await target.read(name))?.body).toEqual((await source.read(name))?.body);
  }
  // 40 pages of names one after the other, on both sides, would be a pause that grows with the log.
  expect(sides.source.seen.listings).toBeGreaterThan(PARTS / 1000);
  expect(sides.source.seen.rounds).toBeLessThan(10);
  // Where the store moves to, only where something has come.
  expect(sides.target.seen.listings).toBeLessThanOrEqual(2 * late.length);
  await (await openAt(to, { clock })).close();
});
