import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createStore, migrateStore, rawKey } from '../src/index.ts';

const unlock = rawKey(Buffer.alloc(32, 7));

it('says of each phase of a migration how much there is of it', async ({ onTestFinished }) => {
  const [from, to] = [`memory:${randomUUID()}`, `memory:${randomUUID()}`];
  const store = await createStore(from, { unlock });
  onTestFinished(() => store.close());
  for (let n = 0; n < 20; n++) await store.store(`k/${n}`, 'x');
  const job = migrateStore(from, to, { unlock, copyOnly: true });
  const last = new Map<string, { readonly done: number; readonly total?: number }>();
  for await (const now of job.progress) last.set(now.phase, now);
  await job;
  for (const phase of ['copying', 'comparing', 'verifying']) {
    expect(last.get(phase), phase).toMatchObject({ done: 20, total: 20 });
  }
});
