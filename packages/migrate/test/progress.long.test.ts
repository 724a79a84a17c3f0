import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { JobProgress } from '@securestore/jobs';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, failure, usePlace } from '../../objects/test/support/stores.ts';
import type { MigrateStoreOptions } from '../src/index.ts';
import { mover } from './support/moves.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const OBJECTS = 600;
const WAITING = 'waiting for writes that were under way';

/** Takes a little time for each object that is looked at. */
function slow(clock: EagerClock): Layer {
  return (inner) =>
    withoutBatch(
      forwardTo(inner, {
        async read(key, options) {
          if (key.startsWith(AREAS.objects)) await clock.sleep(1);
          return inner.read(key, options);
        },
      }),
    );
}

async function filled(clock: EagerClock): Promise<readonly [Place, Place]> {
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock });
  for (let n = 0; n < OBJECTS; n++) await store.store(`k/${n}`, `value ${n}`);
  await store.delete('k/0');
  await store.close();
  return [from, to];
}

describe.each<readonly [string, MigrateStoreOptions, number]>([
  ['moves as it is', {}, OBJECTS],
  ['is sealed anew', { reencrypt: { unlock: rawKey(Buffer.alloc(32, 9)) } }, 2 * OBJECTS],
])('the progress of a store that %s', (_, options, toVerify) => {
  it('says of each phase over objects how many there are, and when it will be done', async () => {
    const clock = new EagerClock();
    const [from, to] = await filled(clock);
    const { job, store } = await mover(from, to, { clock, fromLayers: [slow(clock)], ...options });
    const last = new Map<string, JobProgress>();
    const timed = new Set<string>();
    for await (const now of job.progress) {
      last.set(now.phase, now);
      expect(now.done, now.phase).toBeLessThanOrEqual(now.total ?? now.done);
      if (now.eta !== undefined && now.done < (now.total ?? 0)) timed.add(now.phase);
    }
    await job;
    await store.close();
    expect(last.get('copying')).toMatchObject({ done: OBJECTS, total: OBJECTS });
    expect(last.get('comparing')).toMatchObject({ done: OBJECTS, total: OBJECTS });
    expect(last.get('verifying')).toMatchObject({ done: toVerify, total: toVerify });
    expect(timed).toContain('copying');
    expect(last.get(WAITING)).toMatchObject({ done: 0, bytes: 0, rate: 0 });
    expect(last.get(WAITING)).not.toHaveProperty('total');
  });

  // In a short run where it moves as it is.
  it.runIf(LONG || toVerify === OBJECTS)('counts as done what a run before has copied', async () => {
    const clock = new EagerClock();
    const [from, to] = await filled(clock);
    const given = new AbortController();
    const movement = { clock, fromLayers: [slow(clock)], ...options };
    const { job, store } = await mover(from, to, { ...movement, signal: given.signal });
    for await (const { phase, done } of job.progress) if (phase === 'copying' && done > 400) given.abort();
    await failure(job, 'ABORTED');
    await store.close();
    const again = await mover(from, to, movement);
    for await (const { phase, done, total, rate } of again.job.progress) {
      if (phase !== 'copying') continue;
      expect(total).toBe(OBJECTS);
      expect(done).toBeGreaterThanOrEqual(200);
      expect(rate).toBeLessThan(OBJECTS * 100);
      break;
    }
    expect(await again.job).toMatchObject({ migrated: true });
    await again.store.close();
  });
});
