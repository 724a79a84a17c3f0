import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { checkImages } from '../../../../tools/campaigns/src/crash-images/campaign.ts';
import { record } from '../../../../tools/campaigns/src/crash-images/recording.ts';
import { NO_TRACER } from '../../../../tools/campaigns/src/tracer.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';
import type { SecureStore } from '../../src/index.ts';
import { generateKeyFile } from '../../src/index.ts';
import { generationOf, open, type Place, placeIn, STEPS, type StoreStep } from './store-steps.ts';

const PROGRAM = fileURLToPath(new URL('./store-process.ts', import.meta.url));
const IMAGES = sized({ short: 20, full: 300, torture: 20_000 });

/** Every object is as the steps that were acknowledged left it, or as the one after them does. */
async function checkObjects(store: SecureStore, said: readonly string[]): Promise<void> {
  const done = Math.max(said.length - 1, 0);
  const found = new Set<string>(await Array.fromAsync(store.keys('')));
  const before: StoreStep['after'] = Object.assign({}, ...STEPS.slice(0, done).map(({ after }) => after));
  const next = said.length === 0 ? {} : (STEPS[done]?.after ?? {});
  for (const key of new Set([...Object.keys(before), ...Object.keys(next), ...found])) {
    const data = found.has(key) ? Buffer.from((await store.retrieve(key)).data) : undefined;
    const allowed = key in next ? [before[key], next[key]] : [before[key]];
    assert.ok(
      allowed.some((body) => (body === undefined ? data === undefined : data?.equals(body))),
      `${key} is neither the old nor the new one`,
    );
  }
}

/** Opens what is there. Only what was never acknowledged may be missing, and then it can be made. */
async function openWhatIsLeft(place: Place, said: readonly string[]): Promise<SecureStore> {
  try {
    return await open(place);
  } catch (error) {
    assert.equal(said.length, 0, `the store can't be opened: ${String(error)}`);
    // A key file that was not finished, of a store that is not there either. If it is there, the new one does not open it.
    rmSync(place.key, { force: true });
    await generateKeyFile(place.key);
    return open(place, true);
  }
}

async function checkStore(place: Place, said: readonly string[]): Promise<void> {
  assert.ok((await generationOf(place)) >= Number(said.at(-1) ?? 0), 'the anchor is an older one');
  await using store = await openWhatIsLeft(place, said);
  await checkObjects(store, said);
  assert.deepEqual((await store.verify({ payloads: true })).findings, []);
  await store.store('after', 'the cut');
  assert.equal((await store.retrieve('after')).text(), 'the cut');
}

describe.concurrent('a cut of power loses and tears nothing that was acknowledged', () => {
  test.for(['file', 'sqlite'] as const)(
    '%s:, its key file and its anchor',
    { timeout: 3_600_000 },
    async (scheme, { skip }) => {
      if (NO_TRACER !== undefined) skip(NO_TRACER);
      using recording = await record({ program: PROGRAM, args: (root) => [root, scheme] });
      await checkImages(recording, { images: IMAGES }, (said) => checkStore(placeIn(recording.root, scheme), said));
    },
  );
});
