import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { checkImages } from '../../../../tools/campaigns/src/crash-images/campaign.ts';
import { record } from '../../../../tools/campaigns/src/crash-images/recording.ts';
import { NO_TRACER } from '../../../../tools/campaigns/src/trace/tracer.ts';
import { LONG, onlyLong, sized } from '../../../../tools/campaigns/src/size.ts';
import type { SecureStore } from '../../src/index.ts';
import { createStore, migrateStore, openStore, SecureStoreError } from '../../src/index.ts';
import { BEFORE, type Move, moveIn, written } from './move-steps.ts';
import type { Scheme } from './store-steps.ts';

const PROGRAM = fileURLToPath(new URL('./move-process.ts', import.meta.url));
const IMAGES = sized({ short: 4, full: 8, torture: 1000 });
/** One image in so many is gone on with by the same command; the others by a program that follows. */
const COMMANDS = sized({ short: 4, full: 4, torture: 3 });

async function make({ from, options }: Move): Promise<void> {
  await using store = await createStore(from, options);
  for (const [key, data] of Object.entries(BEFORE)) await store.store(key, data);
}

/** What was acknowledged is there; of each object, what was written last, or what was written next when the power was cut. */
async function checkObjects(store: SecureStore, said: readonly string[]): Promise<void> {
  for (const [key, data] of Object.entries(BEFORE)) assert.equal((await store.retrieve(key)).text(), data, key);
  const count = said.filter((line) => line.startsWith('wrote ')).length;
  for (let key = 0; key < 4; key++) {
    const last = Array.from({ length: count }, (_, n) => written(n)).findLast((one) => one.key === `busy/${key}`);
    const next = written(count);
    const allowed = [last?.data, ...(next.key === `busy/${key}` ? [next.data] : [])];
    const found = (await store.has(`busy/${key}`)) ? (await store.retrieve(`busy/${key}`)).text() : undefined;
    assert.ok(allowed.includes(found), `busy/${key} holds ${found?.slice(0, 9)} at ${store.url}`);
  }
}

/** Whether the store takes calls at a store URL, for a program that follows nowhere: one that has landed opens, and takes none. */
async function isOpenAt(url: string, { options }: Move): Promise<boolean> {
  try {
    await using store = await openStore(url, options);
    await store.has('after');
    return true;
  } catch (error) {
    const isKnown = SecureStoreError.is(error) && (error.reason === 'migrated' || error.reason === 'incomplete');
    if (!isKnown && !SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    return false;
  }
}

async function goOn({ from, to, options }: Move): Promise<void> {
  try {
    assert.equal((await migrateStore(from, to, options)).migrated, true);
  } catch (error) {
    // Then nothing was left to do.
    if (!SecureStoreError.is(error, 'LOCKED') || !error.message.includes('has moved to')) throw error;
  }
}

async function checkMove(move: Move, said: readonly string[], byCommand: boolean): Promise<void> {
  const { from, to, options } = move;
  if (byCommand) await goOn(move);
  const store = await openStore(from, { ...options, migrationTargets: [from, to] });
  await checkObjects(store, said);
  assert.deepEqual((await store.verify({ payloads: true })).findings, []);
  await store.store('after', 'the cut');
  const isThere = store.url === to;
  await store.close();
  if (byCommand || said.includes('moved')) assert.ok(isThere, 'it has not moved');
  assert.deepEqual([await isOpenAt(from, move), await isOpenAt(to, move)], [!isThere, isThere]);
}

const WAYS: readonly (readonly [Scheme, Scheme])[] = [
  ['file', 'sqlite'],
  ['sqlite', 'file'],
];

describe.concurrent('a cut of power while a store moves', () => {
  for (const [from, to] of WAYS) {
    test.runIf(from === 'file' || LONG)(
      onlyLong(`loses nothing, and it is open in one place: from ${from}: to ${to}:`, from === 'file' || LONG),
      { timeout: 3_600_000 },
      async ({ skip }) => {
        if (NO_TRACER !== undefined) skip(NO_TRACER);
        using recording = await record({
          program: PROGRAM,
          args: (root) => [root, from, to],
          prepare: (root) => make(moveIn(root, from, to)),
        });
        let image = 0;
        await checkImages(recording, { images: IMAGES }, (said) =>
          checkMove(moveIn(recording.root, from, to), said, ++image % COMMANDS === 0),
        );
      },
    );
  }
});
