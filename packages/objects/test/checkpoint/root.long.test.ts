import { createHash } from 'node:crypto';
import type { CheckpointPage, CheckpointRoot } from '@securestore/core-format';
import { checkpointName, encodeCheckpointRoot, joinCheckpointRoot, systemContext } from '@securestore/core-format';
import { identityPrivateKey, sealSystemBody, signAs } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { LoadedCheckpoint } from '../../src/checkpoint/load.ts';
import { CHECKPOINT_USE, loadCheckpoint, readPage } from '../../src/checkpoint/load.ts';
import { commitHead } from '../../src/engine/commit-head.ts';
import { ownerKeys } from '../../src/head/unlock/owner-keys.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { OpenedEngine } from '../support/engines.ts';
import { engineAt } from '../support/engines.ts';
import { reviseHead } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

async function opened(): Promise<OpenedEngine & { place: Place; clock: EagerClock }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock })).close();
  // Small pages, so that few objects make several.
  const all = await engineAt(place, clock, { limits: { maxRecord: 16 * 1024 } });
  await all.store.storeMany(Array.from({ length: 600 }, (_, n) => ({ key: `k${n}`, data: '' })));
  await all.store.checkpoint();
  return { place, clock, ...all };
}

async function loaded({ engine }: OpenedEngine): Promise<LoadedCheckpoint> {
  const found = await loadCheckpoint(engine);
  if (found === undefined) throw new Error('no checkpoint');
  return found;
}

interface Forgery {
  readonly root?: Partial<CheckpointRoot>;
  readonly identity?: 'another';
  readonly use?: string;
}

/** Has the head name another root, sealed under the right key. */
async function forge(all: OpenedEngine, { root = {}, identity, use = CHECKPOINT_USE }: Forgery): Promise<void> {
  const { engine } = all;
  const present = await loaded(all);
  await commitHead(engine, {}, async ({ head, keys }) => {
    const signed = encodeCheckpointRoot({ ...present.root, ...root });
    const key = identity === undefined ? ownerKeys({ keys }).identity : identityPrivateKey(Buffer.alloc(32, 1));
    const plaintext = joinCheckpointRoot(signed, signAs(key, use, signed));
    const name = checkpointName(head.generation + 1, engine.random(16));
    const context = systemContext(head.instance, head.generation + 1, name);
    const body = sealSystemBody(keys.journal.primary, 'checkpoint', context, plaintext, engine.random);
    await engine.backend.write(name, body, { ifAbsent: true });
    return { head: { references: { checkpoint: { name, digest: createHash('sha256').update(body).digest() } } } };
  });
}

describe('the root of a checkpoint', () => {
  it('[X-05] is taken only with the signature of the store, made for checkpoints, and for this instance', async () => {
    for (const forgery of [
      { identity: 'another' },
      { use: 'head' },
      { root: { instance: Buffer.alloc(16, 9) } },
    ] satisfies Forgery[]) {
      const all = await opened();
      await forge(all, {});
      expect((await loaded(all)).root.pages.length).toBeGreaterThan(1);
      await forge(all, forgery);
      await failure(loadCheckpoint(all.engine), 'INTEGRITY');
      expect(await all.store.verify()).toMatchObject({ ok: false, found: 1, findings: [{ kind: 'damaged' }] });
      await failure(all.store.checkpoint(), 'INTEGRITY');
      expect(await all.store.checkpoint({ afresh: true })).toMatchObject({ objects: 600 });
      expect(await all.store.verify()).toMatchObject({ ok: true });
    }
  });

  it('[X-06] is taken at its word about its pages', async () => {
    const all = await opened();
    const { root } = await loaded(all);
    // Chance ends pages, also after one entry: within such a page nothing else can begin, and it can't have one less.
    const index = root.pages.findIndex(({ count }, at) => count > 1 && (root.pages[at + 1]?.count ?? 0) > 1);
    const [first, second] = root.pages.slice(index);
    if (index === -1 || first === undefined || second === undefined) throw new Error('too few pages');
    const wrong: readonly (readonly CheckpointPage[])[] = [
      [{ ...first, digest: second.digest }, second],
      [{ ...first, id: second.id }, second],
      [{ ...first, firstToken: `${root.pages[index - 1]?.firstToken ?? ''}0` }, second],
      [
        { ...first, count: first.count + 1 },
        { ...second, count: second.count - 1 },
      ],
      // What follows begins within the page.
      [first, { ...second, firstToken: `${first.firstToken}0` }],
    ];
    for (const two of wrong) {
      await forge(all, { root: { pages: root.pages.toSpliced(index, 2, ...two) } });
      await failure(readPage(all.engine, await loaded(all), index), 'INTEGRITY');
      const report = await all.store.verify();
      expect(report.ok).toBe(false);
      expect(new Set(report.findings.map(({ kind }) => kind))).toEqual(new Set(['damaged']));
    }
  });
});

describe('an anchor', () => {
  it('refuses another checkpoint under the generation that it remembers', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const anchor = memoryAnchor();
    const store = await createAt(place, { clock, anchor });
    await store.store('k', 'x');
    await store.checkpoint();
    await store.close();
    await (await openAt(place, { clock, anchor })).close();
    await reviseHead(place, (head) => ({
      ...head,
      references: { ...head.references, checkpoint: { name: 'c/x', digest: Buffer.alloc(32, 1) } },
    }));
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
    await (await openAt(place, { clock, anchor, acceptRollback: true })).close();
  });
});
