import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { checkImages } from '../../../../tools/campaigns/src/crash-images/campaign.ts';
import { record } from '../../../../tools/campaigns/src/crash-images/recording.ts';
import { NO_TRACER } from '../../../../tools/campaigns/src/trace/tracer.ts';
import type { Kill } from '../../../../tools/campaigns/src/crash-images/traced-calls.ts';
import { LONG, onlyLong, sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';
import type { SecureStore } from '../../src/index.ts';
import {
  generationOf,
  openWhatIsLeft,
  type Place,
  placeIn,
  type Scheme,
  STEPS,
  type StoreStep,
} from './store-steps.ts';

const PROGRAM = fileURLToPath(new URL('./store-process.ts', import.meta.url));
const IMAGES = sized({ short: 8, full: 20, torture: 20_000 });

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

/**
 * What `verify` reports, except of the step that a process was killed in. The next one may have copied a record to the history whose own name
 * was not flushed, so the copy outlasts it; nothing of that step was acknowledged (docs/decisions/file-layout.md, names of the dead).
 */
async function findingsIn(store: SecureStore, said: readonly string[], isAfterKill: boolean): Promise<unknown[]> {
  const { findings } = await store.verify({ payloads: true });
  const doubted = isAfterKill ? Object.keys(STEPS[Math.max(said.length - 1, 0)]?.after ?? {}) : [];
  return findings.filter(({ key }) => key === undefined || !doubted.includes(key));
}

async function checkStore(place: Place, said: readonly string[], isAfterKill: boolean): Promise<void> {
  assert.ok((await generationOf(place)) >= Number(said.at(-1) ?? 0), 'the anchor is an older one');
  await using store = await openWhatIsLeft(place, said.length > 0);
  await checkObjects(store, said);
  assert.deepEqual(await findingsIn(store, said, isAfterKill), []);
  await store.store('after', 'the cut');
  assert.equal((await store.retrieve('after')).text(), 'the cut');
}

const SCHEMES: readonly Scheme[] = ['file', 'sqlite'];
/** What their own thread does, and what they do last before something is durable. */
const KILLED_AT = { file: 'rename', sqlite: 'fsync' } as const;
const SOME_KILLS = [2, 16];
const KILLS = sized({
  short: SOME_KILLS,
  full: SOME_KILLS,
  torture: Array.from({ length: 60 }, (_, index) => index + 1),
});
const IMAGES_OF_KILLED = TORTURE ? 300 : 25;

async function campaign(scheme: Scheme, images: number, kill?: Kill): Promise<void> {
  const args = (root: string, said: readonly string[]): string[] => [root, scheme, `${said.length}`];
  using recording = await record({ program: PROGRAM, args, kill });
  await checkImages(recording, { images }, (said) =>
    checkStore(placeIn(recording.root, scheme), said, kill !== undefined),
  );
}

describe.concurrent('a cut of power loses and tears nothing that was acknowledged', () => {
  test.for(SCHEMES)('%s:, its key file and its anchor', { timeout: 3_600_000 }, async (scheme, { skip }) => {
    if (NO_TRACER !== undefined) skip(NO_TRACER);
    await campaign(scheme, IMAGES);
  });

  const killed = SCHEMES.flatMap((scheme) => KILLS.map((when) => ({ scheme, call: KILLED_AT[scheme], when })));
  test.runIf(LONG).for(killed)(
    onlyLong('$scheme:, of which a process before was killed at $call $when'),
    { timeout: 3_600_000 },
    async ({ scheme, ...kill }, { skip }) => {
      if (NO_TRACER !== undefined) skip(NO_TRACER);
      await campaign(scheme, IMAGES_OF_KILLED, kill);
    },
  );
});
