import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createStore, migrateStore, openStore, rawKey } from '../src/index.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const MIB = 1024 * 1024;
const OBJECTS = sized({ short: 1000, full: 2000, torture: 100_000 });
const unlock = rawKey(Buffer.alloc(32, 7));

test(`${OBJECTS} objects move in bounded memory, the first of them at once`, { timeout: 3_600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-large-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [from, to] = [`sqlite:${join(folder, 'from.db')}`, `sqlite:${join(folder, 'to.db')}`];
  {
    await using store = await createStore(from, { unlock, maintenance: false });
    for (let first = 0; first < OBJECTS; first += 1000) {
      const many = Array.from({ length: 1000 }, (_, at) => ({
        key: `many/${first + at}`,
        data: `value ${first + at}`,
      }));
      await store.storeMany(many);
    }
  }
  const idle = process.memoryUsage.rss();
  let most = idle;
  const looking = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const began = performance.now();
  let first: number | undefined;
  const job = migrateStore(from, to, { unlock });
  for await (const { phase, done } of job.progress) {
    if (phase === 'copying' && done > 0) first ??= performance.now() - began;
  }
  const report = await job;
  const whole = performance.now() - began;
  clearInterval(looking);
  const grown = Math.round((most - idle) / MIB);
  console.log(
    `${OBJECTS} objects: the first was copied after ${Math.round(first ?? NaN)} ms, all moved after ` +
      `${Math.round(whole)} ms, closed for ${report.pause} ms, ${grown} MiB more than before`,
  );
  expect(report).toMatchObject({ migrated: true, objects: OBJECTS, versions: OBJECTS, failures: 0 });
  // A second on a machine that does nothing else; on a busy one not when nearly all of them are.
  expect(first).toBeLessThan(Math.max(10_000, whole / 2));
  expect(grown).toBeLessThan(300);
  await using store = await openStore(to, { unlock, maintenance: false });
  expect((await store.retrieve(`many/${OBJECTS - 1}`)).text()).toBe(`value ${OBJECTS - 1}`);
});
