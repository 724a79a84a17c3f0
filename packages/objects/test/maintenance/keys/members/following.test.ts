import { describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../../../src/index.ts';
import { club } from '../../../support/members.ts';
import type { Club } from '../../../support/members.ts';
import { failure, patterned } from '../../../support/stores.ts';

const OLD = Buffer.alloc(32, 7);
const NEW = Buffer.alloc(32, 8);
const RED = { categories: ['red'] };
const DEPTHS = ['unlock', 'keys', 'data'] as const satisfies RotationDepth[];

/** What a writer was told that it has stored. */
type Acknowledged = Map<string, { readonly text: string; readonly version: string }>;

/** Stores one object after the other until it is told to stop, or may not any more. */
async function write({ clock }: Club, store: ObjectStore, who: string, signal: AbortSignal): Promise<Acknowledged> {
  const done: Acknowledged = new Map();
  for (let count = 0; !signal.aborted; count++) {
    const key = `red/${who}/${count % 7}`;
    const text = `${who} ${count}`;
    const { version } = await store.store(key, text);
    done.set(key, { text, version });
    await clock.sleep(400);
  }
  return done;
}

async function isAllThere(store: ObjectStore, acknowledged: Acknowledged): Promise<void> {
  expect(acknowledged.size).toBeGreaterThan(3);
  for (const [key, { text, version }] of acknowledged) {
    const found = await store.retrieve(key);
    expect([key, found.text(), found.info.version]).toEqual([key, text, version]);
  }
}

/** Whether everything lies under the newest keys, so that the old ones are needed no more. */
async function expectRetired(owner: ObjectStore): Promise<void> {
  const states = await owner.encryptionKeys.list();
  const census = await owner.encryptionKeys.usage();
  const inUse = states.filter(({ id, kind }) => kind === 'category' && (census[id] ?? 0) > 0);
  expect(inUse.filter(({ state }) => state !== 'primary')).toEqual([]);
  expect(states.filter(({ state, kind }) => kind === 'category' && state === 'enabled')).toEqual([]);
}

describe.each([false, true])('with the journal on: %s,', (journal) => {
  it.each(DEPTHS)(
    'members follow a rotation to the depth "%s", and lose nothing that was acknowledged',
    async (depth) => {
      const all = await club({ journal });
      const { owner, join, enter } = all;
      await owner.store('red/large', patterned(150_000));
      const people = [await join('ann', RED), await join('bob', { categories: ['red', 'blue'] })];
      const stores = await Promise.all(people.map((someone) => enter(someone)));
      const idle = await enter(await join('carl', RED));
      const stop = new AbortController();
      const writers = stores.map((store, index) => write(all, store, `writer ${index}`, stop.signal));
      const report = await owner.rotateEncryptionKey(OLD, NEW, { depth });
      expect(report.failed).toBe(0);
      await all.clock.sleep(10_000);
      stop.abort();
      for (const acknowledged of await Promise.all(writers)) {
        for (const store of [owner, idle, ...stores]) await isAllThere(store, acknowledged);
      }
      expect((await idle.retrieve('red/large')).data).toHaveLength(150_000);
      if (depth !== 'unlock') await expectRetired(owner);
      // Who comes now finds the new keys.
      const late = await enter(people[0] ?? expect.fail('nobody'));
      expect((await late.retrieve('red/large')).data).toHaveLength(150_000);
    },
  );

  // T-MEMBER-08
  it('a revocation ends what the member does, keeps what was acknowledged to them, and lets all others go on', async () => {
    const all = await club({ journal });
    const { owner, join, enter } = all;
    const [ann, bob] = [await join('ann', RED), await join('bob', RED)];
    const stop = new AbortController();
    const theirs: Acknowledged = new Map();
    const store = await enter(ann);
    // Until they are refused.
    const ended = (async () => {
      for (let count = 0; ; count++) {
        const key = `red/ann/${count % 7}`;
        const { version } = await store.store(key, `ann ${count}`);
        theirs.set(key, { text: `ann ${count}`, version });
        await all.clock.sleep(300);
      }
    })();
    const refused = failure(ended, 'ACCESS_DENIED');
    const others = write(all, await enter(bob), 'bob', stop.signal);
    await all.clock.sleep(5000);
    const report = await owner.members.revoke('ann');
    expect(report.failed).toBe(0);
    await refused;
    await all.clock.sleep(5000);
    stop.abort();
    await isAllThere(owner, await others);
    // The last one may have been refused after it was stored: then there is a newer version.
    for (const [key, { version }] of theirs) {
      expect((await owner.history(key)).map((entry) => entry.version)).toContain(version);
    }
    await expectRetired(owner);
  });
});

it('a revocation names in its report what still needs the old journal key, which collections retire', async () => {
  const { owner, join, clock } = await club({ journal: true });
  await owner.store('red/a', 'a');
  await join('ann', RED);
  const { remaining } = await owner.members.revoke('ann');
  const journal = (await owner.encryptionKeys.list()).filter(
    ({ kind, state }) => kind === 'journal' && state === 'enabled',
  );
  expect(Object.keys(remaining)).toEqual(journal.map(({ id }) => id));
  expect(journal).toHaveLength(1);
  // Streams of hints are closed when nothing was written to them for a week, then said to have ended, then removed.
  for (let weeks = 0; weeks < 4; weeks++) {
    clock.advance(8 * 24 * 60 * 60 * 1000);
    await owner.gc();
  }
  const [id = ''] = Object.keys(remaining);
  expect((await owner.encryptionKeys.list()).find((key) => key.id === id)).toMatchObject({
    kind: 'journal',
    state: 'disabled',
  });
  // Nothing that was there is missing, and the next revocation has nothing of it left.
  expect((await owner.retrieve('red/a')).text()).toBe('a');
  expect((await owner.verify()).ok).toBe(true);
  const { retired } = await owner.rotateEncryptionKey(OLD, NEW);
  expect(retired).not.toContain(id);
});
