import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import type { BrowsePage, ComparePage, Connect, FindPage, RecoveryPointLocator } from '../../src/index.ts';
import { Backups, RecoveryPoints } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';
import { LONG, onlyLong, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const PLACE = 'memory:backups';
/** More than are looked at for a page. */
const HIDDEN = 10_100;
const LONG_NAME = 'l'.repeat(300);

/** A small generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function scene() {
  const { clock, owner } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  const points = new RecoveryPoints(owner, backups, shelf.connect);
  return { clock, owner, shelf, backups, points };
}

/** The code of the error that a call must fail with. */
async function codeOf(call: () => Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return SecureStoreError.is(error) ? error.code : undefined;
}

/** All pages of a listing. */
async function all<P extends { readonly after?: string }>(
  page: (after: string | undefined) => Promise<P>,
): Promise<P[]> {
  const pages: P[] = [];
  let after: string | undefined;
  do {
    const next = await page(after);
    pages.push(next);
    ({ after } = next);
  } while (after !== undefined);
  return pages;
}

const keysOf = (pages: readonly BrowsePage[]): string[] =>
  pages.flatMap(({ entries }) => entries.map(({ key }) => key));

/** What lies directly in a folder, by all names that there are. */
function inFolder(names: readonly string[], prefix: string): string[] {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const found = names
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const slash = name.indexOf('/', folder.length);
      return slash === -1 ? name : name.slice(0, slash + 1);
    });
  return [...new Set(found)].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

const found = (pages: readonly FindPage[], state = 'there'): string[] =>
  pages.flatMap(({ keys }) => keys.filter((one) => one.state === state).map(({ key }) => key)).toSorted();

const linesOf = (pages: readonly ComparePage[]): string[] =>
  pages.flatMap(({ differences }) => differences.map(({ type, key }) => `${type} ${key}`)).toSorted();

const inOrder = (page: readonly { readonly key: string }[]): string[] =>
  page.map(({ key }) => key).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** What has changed between two states. */
function between(before: Map<string, string>, after: Map<string, string>, prefix = ''): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].filter((name) => name.startsWith(prefix));
  return names
    .flatMap((name) => {
      const [was, is] = [before.get(name), after.get(name)];
      if (was === is) return [];
      return [`${was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'} ${name}`];
    })
    .toSorted();
}

type World = Awaited<ReturnType<typeof scene>>;

/** A store that has changed again and again, with a snapshot after each of its ages, and what it held then. */
async function aged(seed: number, ages: number): Promise<World & { readonly states: Map<string, string>[] }> {
  const world = await scene();
  const { owner, backups, clock } = world;
  const pick = generator(seed);
  const now = new Map<string, string>();
  const states: Map<string, string>[] = [];
  for (let age = 0; age < ages; age++) {
    for (let change = 0; change < 60; change++) {
      const folder = ['', 'red/', 'red/deep/er/', 'blue/', `${LONG_NAME}/`, 'ä/ö/'][pick(6)] ?? '';
      const key = `${folder}${pick(9) === 0 ? LONG_NAME : 'n'}${pick(12)}`;
      if (pick(4) === 0) {
        await owner.delete(key);
        now.delete(key);
      } else {
        const value = `age ${age} change ${change}`;
        await owner.store(key, value);
        now.set(key, value);
      }
    }
    clock.advance(60_000);
    await backups.backup(PLACE);
    clock.advance(60_000);
    states.push(new Map(now));
  }
  return { ...world, states };
}

const seesDeep = (key: string): boolean => key.startsWith('red/deep/er/n1');

const seesNoM = (key: string): boolean => !key.startsWith('in/m');

const seesSeen = (key: string): boolean => key === 'in/seen';

describe('what lies in a folder at a point', () => {
  it('is what lay there, in order, whatever the names are', async () => {
    const { points, states, owner } = await aged(7, 3);
    for (const [age, state] of states.entries()) {
      const moment: RecoveryPointLocator = { destination: PLACE, snapshot: age + 1 };
      for (const prefix of [
        '',
        'red/',
        'red/deep/',
        'red/deep/er/',
        'red/d',
        'red/deep/er/n1',
        `${LONG_NAME}/`,
        'ä/',
        'no/',
      ]) {
        const expected = inFolder([...state.keys()], prefix);
        expect(keysOf([await points.browse({ ...moment, prefix, limit: 500 })]), prefix).toEqual(expected);
        const pages = await all((after) => points.browse({ ...moment, prefix, limit: 3, after }));
        expect(keysOf(pages), prefix).toEqual(expected);
        expect(pages.every(({ entries }) => entries.length <= 3)).toBe(true);
        expect(pages.at(-1)?.progress).toBe(1);
      }
    }
    expect(keysOf(await all((after) => points.browse({ limit: 4, after })))).toEqual(inFolder(await owner.list(), ''));
  });

  it('is told with size, version and time, and the versions are those of the store', async () => {
    const { points, states, owner } = await aged(8, 2);
    const key = [...(states[0]?.keys() ?? [])].find((name) => name.startsWith('red/n')) ?? '';
    const { entries } = await points.browse({ destination: PLACE, snapshot: 1, prefix: key });
    const known = (await owner.history(key)).find(({ version }) =>
      entries.some((one) => 'version' in one && one.version === version),
    );
    expect(entries).toContainEqual({
      type: 'object',
      key,
      version: known?.version,
      size: states[0]?.get(key)?.length,
      modified: known?.modified,
    });
  });

  // T-WEB-07
  it('shows to nobody what they may not see, nor that it is there', async () => {
    const { points } = await aged(9, 1);
    const sees = seesDeep;
    const moment = { destination: PLACE };
    const root = await points.browse(moment, sees);
    expect(keysOf([root])).toEqual(['red/']);
    expect(keysOf([await points.browse({ ...moment, prefix: 'red/' }, sees)])).toEqual(['red/deep/']);
    expect(keysOf([await points.browse({ ...moment, prefix: 'blue/' }, sees)])).toEqual([]);
    const nothing = await points.browse(moment, () => false);
    expect(nothing).toMatchObject({ entries: [], progress: 1 });
    expect(nothing).not.toHaveProperty('after');
  });

  // T-WEB-08
  it.runIf(LONG)(onlyLong('takes as long past what nobody may see, whatever that is called'), async () => {
    const { owner, backups, points } = await scene();
    const hidden = Array.from({ length: HIDDEN }, (_, number) => `in/secret/${number}`);
    await owner.storeMany([...hidden, 'in/seen'].map((key) => ({ key, data: 'x' })));
    await backups.backup(PLACE);
    for (const moment of [{ destination: PLACE }, {}]) {
      const steps = async (prefix: string): Promise<number> =>
        (await all((after) => points.browse({ ...moment, prefix, after }, seesSeen))).length;
      // What is known of a folder since somebody looked at it is known of it whatever is asked for.
      await steps('in/');
      // Else it could be told letter by letter.
      expect(await steps('in/se')).toBe(await steps('in/xx'));
    }
  });

  it.runIf(LONG)(onlyLong('takes as many pages wherever what nobody may see comes in the order of names'), async () => {
    const { owner, backups, points } = await scene();
    const hidden = Array.from({ length: 5100 }, (_, number) => `in/m${number}`);
    const seen = ['in/a', 'in/b', 'in/z', ...Array.from({ length: 6000 }, (_, number) => `in/x${number}`)];
    await owner.storeMany([...hidden, ...seen].map((key) => ({ key, data: 'x' })));
    await backups.backup(PLACE);
    const pages = await all((after) => points.browse({ destination: PLACE, prefix: 'in/', limit: 2, after }, seesNoM));
    expect(keysOf(pages)).toEqual(inFolder(seen, 'in/'));
    // Each page that is not of the time before all was read is full, and how far it says to be tells nothing of them.
    const told = pages.filter(({ progress }) => progress === 1);
    expect(told.slice(0, -1).every(({ entries }) => entries.length === 2)).toBe(true);
    expect(told.length).toBe(Math.floor(seen.length / 2) + 1);
  });

  it.runIf(LONG)(
    onlyLong(
      'of a large folder goes on where it was, however many look at it, and after somebody may see it no longer',
    ),
    async () => {
      const { owner, backups, points } = await scene();
      const names = Array.from({ length: 5200 }, (_, number) => `flat/${number}`);
      await owner.storeMany(names.map((key) => ({ key, data: 'x' })));
      await backups.backup(PLACE);
      const expected = inFolder(names, 'flat/');
      const asked = { destination: PLACE, prefix: 'flat/', limit: 500 };
      let first = await points.browse(asked);
      while (first.entries.length === 0) first = await points.browse({ ...asked, after: first.after });
      // More than are remembered, and other folders in between.
      for (let other = 0; other < 12; other++) await points.browse(asked, (key) => key.endsWith(String(other)));
      const rest = await all((after) => points.browse({ ...asked, after: after ?? first.after }));
      expect(keysOf([first, ...rest])).toEqual(expected);
      const { entries } = await points.browse({ ...asked, after: first.after }, (key) => key !== expected[500]);
      expect(entries[0]?.key).toBe(expected[501]);
    },
  );

  it.runIf(LONG)(
    onlyLong(
      'of a large folder comes in order, each once, in pages that end; of the store as it is now in an order of its own',
    ),
    async () => {
      const { owner, backups, points } = await scene();
      const names = Array.from({ length: 5200 }, (_, number) => `flat/${number}`);
      const deep = Array.from({ length: 5100 }, (_, number) => `flat/${number}a/deep/${number}`);
      // Not in the order of UTF-16, nor beside their folder in that of bytes.
      const odd = ['flat/\u{1f510}', 'flat/\u{fb01}', 'flat/1a-', 'flat/1a0', 'flat/1a.'];
      await owner.storeMany([...names, ...deep, ...odd].map((key) => ({ key, data: 'x' })));
      await backups.backup(PLACE);
      await owner.delete('flat/7');
      const expected = inFolder([...names, ...deep, ...odd], 'flat/');
      const then = { destination: PLACE, prefix: 'flat/', limit: 500 };
      // What may be seen of it is shown before all names are known.
      const shown = (await points.browse(then, (key) => key.includes('7'))).preview ?? [];
      expect([shown.length, shown.every(({ key }) => key.includes('7') && expected.includes(key))]).toEqual([
        100,
        true,
      ]);
      const pages = await all((after) => points.browse({ ...then, after }));
      expect(pages.every(({ isSorted, entries }) => isSorted && entries.length <= 500)).toBe(true);
      expect(keysOf(pages)).toEqual(expected);
      expect(pages.at(-1)?.progress).toBe(1);
      const { version, modified } = await owner.info('flat/100');
      expect(pages.flatMap(({ entries }) => entries).find(({ key }) => key === 'flat/100')).toEqual({
        type: 'object',
        key: 'flat/100',
        version,
        modified,
      });
      // Pages of others, and of other moments, at the same time.
      const [mine, others] = await Promise.all([
        all((after) => points.browse({ ...then, limit: 499, after }, (key) => key.length === 8 || key.includes('9a/'))),
        all((after) => points.browse({ ...then, after })),
      ]);
      expect(keysOf(others)).toEqual(expected);
      expect(keysOf(mine)).toEqual(
        inFolder(
          [...names, ...deep, ...odd].filter((key) => key.length === 8 || key.includes('9a/')),
          'flat/',
        ),
      );
      const now = await all((after) => points.browse({ prefix: 'flat/', limit: 500, after }));
      expect(now.every(({ isSorted }) => !isSorted)).toBe(true);
      expect(keysOf(now).toSorted()).toEqual(expected.filter((key) => key !== 'flat/7').toSorted());
      for (const moment of [{ destination: PLACE }, {}]) {
        const some = await all((after) => points.browse({ ...moment, prefix: 'flat/519', after }));
        expect(keysOf(some).length).toBe(12);
        expect(keysOf([await points.browse({ ...moment })])).toEqual(['flat/']);
      }
    },
  );

  it.skipIf(!TORTURE)(
    'of one with names too long to be kept comes in an order of its own (only npm run torture)',
    async () => {
      const { owner, backups, points } = await scene();
      const long = 'x'.repeat(220);
      const names = Array.from(
        { length: 17_500 },
        (_, number) => `vast/${number}/${Array(4).fill(long).join('/')}/${'y'.repeat(100)}`,
      );
      await owner.storeMany(names.map((key) => ({ key, data: '' })));
      await backups.backup(PLACE);
      const pages = await all((after) => points.browse({ destination: PLACE, prefix: 'vast/', limit: 500, after }));
      expect(new Set(keysOf(pages)).size).toBe(names.length);
      expect(pages.at(-1)?.isSorted).toBe(false);
    },
    120_000,
  );

  it.skipIf(!TORTURE)(
    'of one with more names than are kept comes in an order of its own (only npm run torture)',
    async () => {
      const { owner, backups, points } = await scene();
      const names = Array.from({ length: 200_100 }, (_, number) => `vast/${number}`);
      await owner.storeMany(names.map((key) => ({ key, data: '' })));
      await backups.backup(PLACE);
      let after: string | undefined;
      let [pages, seen] = [0, new Set<string>()];
      do {
        const page = await points.browse({ destination: PLACE, prefix: 'vast/', limit: 500, after });
        if (page.entries.length > 0) expect(page.isSorted).toBe(false);
        for (const { key } of page.entries) seen.add(key);
        pages += 1;
        ({ after } = page);
      } while (after !== undefined && pages < 40);
      // Some of it is enough.
      expect(seen.size).toBeGreaterThan(5000);
    },
    300_000,
  );
});

/** Pages of one that end at the only name that may be seen, beside others. */
async function pagesBeside(others: readonly string[]): Promise<{ after?: string }[]> {
  const { owner, backups, points } = await scene();
  await owner.store('in/seen', 'x');
  await backups.backup(PLACE);
  await owner.store('in/seen', 'y');
  for (const key of others) await owner.store(key, 'x');
  await backups.backup(PLACE);
  const then = { destination: PLACE, prefix: 'in/', limit: 1 };
  return [
    await points.find({ ...then, contains: '' }, seesSeen),
    await points.find({ contains: '', prefix: 'in/', limit: 1 }, seesSeen),
    await points.browse(then, seesSeen),
    await points.compare({ ...then, from: { snapshot: 1 } }, seesSeen),
    await points.compare({ ...then, from: { snapshot: 1 }, to: { snapshot: 2 } }, seesSeen),
  ];
}

describe('a page', () => {
  // T-WEB-08
  it('does not tell whether what nobody may see comes after it', async () => {
    // In one order or another some of them come after it.
    const others = Array.from({ length: 20 }, (_, number) => `in/other ${number}`);
    const [alone, among] = [await pagesBeside([]), await pagesBeside(others)];
    expect(among.map(({ after }) => after === undefined)).toEqual(alone.map(({ after }) => after === undefined));
  });

  // T-WEB-08
  it('tells by its length nothing of the name that it ended at', async () => {
    const { owner, points } = await scene();
    for (const key of ['a', 'b', `c${LONG_NAME}`, 'd']) await owner.store(key, 'x');
    const pages = await all((after) => points.browse({ limit: 1, after }));
    expect(new Set(pages.flatMap(({ after }) => after?.length ?? [])).size).toBe(1);
  });

  it('goes on where it was told to, and nowhere else', async () => {
    const { points } = await aged(3, 2);
    const at = { destination: PLACE, snapshot: 2, limit: 2 };
    const { after = '' } = await points.browse(at);
    const altered = `${after.slice(0, -2)}${after.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const wrong of [
      () => points.browse({ ...at, after: altered }),
      () => points.browse({ ...at, snapshot: 1, after }),
      () => points.browse({ ...at, prefix: 'red/', after }),
      () => points.find({ ...at, contains: '', after }),
      () => points.browse({ ...at, after: 'x' }),
      () => points.browse({ ...at, after: 'A'.repeat(5000) }),
      () => points.browse({ ...at, after: 7 as never }),
      () => points.browse({ ...at, limit: 0 }),
      () => points.browse({ ...at, limit: 501 }),
      () => points.browse({ ...at, limit: 1.5 }),
      () => points.browse({ ...at, prefix: 'x'.repeat(1025) }),
      () => points.browse({ ...at, prefix: 7 as never }),
      () => points.find({ ...at, contains: 7 as never }),
      () => points.browse({ snapshot: 1 }),
      () => points.browse({ at: new Date() }),
      () => points.browse({ ...at, at: new Date() }),
      () => points.browse({ destination: '' }),
      () => points.timeline(PLACE, { limit: 0 }),
      () => points.timeline(PLACE, { before: 0 }),
    ]) {
      expect(await codeOf(wrong), String(wrong)).toBe('INVALID_ARGUMENT');
    }
    expect(await codeOf(() => points.browse({ destination: PLACE, snapshot: 9 }))).toBe('NOT_FOUND');
    expect(await codeOf(() => points.browse({ destination: 'memory:nowhere' }))).toBe('NOT_FOUND');
  });
});

describe('names', () => {
  it('are found by a part of them, large or small, then and now', async () => {
    const { points, states, owner } = await aged(11, 3);
    for (const contains of ['n1', 'N1', 'deep', 'Ö', LONG_NAME.slice(0, 200), '', 'nothing like this']) {
      const wanted = (names: readonly string[]): string[] =>
        names.filter((name) => name.toLowerCase().includes(contains.toLowerCase())).toSorted();
      for (const [age, state] of states.entries()) {
        const moment = { destination: PLACE, snapshot: age + 1, contains };
        const pages = await all((after) => points.find({ ...moment, limit: 7, after }));
        expect(found(pages), contains).toEqual(wanted([...state.keys()]));
        for (const { keys } of pages) expect(keys.map(({ key }) => key)).toEqual(inOrder(keys));
      }
      expect(found(await all((after) => points.find({ contains, after })))).toEqual(wanted(await owner.list()));
    }
  });

  it('of what was deleted are found as such, and purged ones too', async () => {
    const { owner, backups, points } = await scene();
    await owner.store('a/gone', 'x');
    await owner.store('a/purged', 'x');
    await owner.delete('a/gone');
    await owner.purge('a/purged');
    await backups.backup(PLACE);
    for (const moment of [{ destination: PLACE }, {}]) {
      const pages = [await points.find({ ...moment, contains: 'a/' })];
      expect(found(pages)).toEqual([]);
      expect(found(pages, 'deleted')).toEqual(['a/gone']);
    }
  });
});

describe('the difference', () => {
  it('between two points is what has changed between them, either way, also of a part', async () => {
    const { points, states } = await aged(5, 4);
    for (const [from, before] of states.entries()) {
      for (const [to, after] of states.entries()) {
        for (const prefix of ['', 'red/', 'red/deep/er/n1', 'blue/']) {
          const asked = { destination: PLACE, from: { snapshot: from + 1 }, to: { snapshot: to + 1 }, prefix };
          const pages = await all((next) => points.compare({ ...asked, limit: 4, after: next }));
          expect(linesOf(pages), `${from} ${to} ${prefix}`).toEqual(between(before, after, prefix));
          for (const { differences } of pages) expect(differences.map(({ key }) => key)).toEqual(inOrder(differences));
        }
      }
    }
  });

  it('against now is what has changed since', async () => {
    const { points, owner, states } = await aged(6, 3);
    await owner.store('red/new', 'x');
    await owner.delete([...(states[2]?.keys() ?? [])][0] ?? '');
    const now = new Map<string, string>();
    for (const key of await owner.list()) now.set(key, (await owner.retrieve(key)).text());
    for (const [age, before] of states.entries()) {
      const asked = { destination: PLACE, from: { snapshot: age + 1 } };
      const pages = await all((after) => points.compare({ ...asked, limit: 5, after }));
      expect(linesOf(pages), `${age}`).toEqual(between(before, now));
    }
  });

  it('says what was there before and after, and shows nothing that may not be seen', async () => {
    const { points, owner, backups, clock } = await scene();
    await owner.store('a', 'one');
    await owner.store('b', 'two');
    await backups.backup(PLACE);
    clock.advance(60_000);
    const changed = await owner.store('a', 'longer');
    await owner.delete('b');
    const { differences } = await points.compare({ destination: PLACE, from: { snapshot: 1 } }, (key) => key === 'a');
    expect(differences).toEqual([
      {
        key: 'a',
        type: 'changed',
        before: { version: expect.any(String), modified: expect.any(Date), size: 3 },
        after: { version: changed.version, modified: changed.modified, size: 6 },
      },
    ]);
  });
});

describe('a key over time', () => {
  it('has the versions that the store keeps, and those that only backups do', async () => {
    const { clock, owner } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    const points = new RecoveryPoints(owner, backups, shelf.connect);
    const versions: string[] = [];
    for (let number = 0; number < 6; number++) {
      versions.push((await owner.store('a', `${number}`)).version);
      clock.advance(1000);
      if (number === 3) await owner.delete('a');
      clock.advance(1000);
      await backups.backup(PLACE);
      clock.advance(1000);
    }
    const told = await points.versions('a', { destination: PLACE });
    expect(told).toMatchObject({ key: 'a', hasMore: false });
    expect(told.versions.filter(({ state }) => state === 'there').map(({ version }) => version)).toEqual(
      versions.toReversed(),
    );
    expect(told.versions.filter(({ state }) => state === 'deleted')).toHaveLength(1);
    expect(told.versions[0]).not.toHaveProperty('to');
    for (const [at, one] of told.versions.entries()) {
      if (at > 0) expect(one.to).toEqual(told.versions[at - 1]?.from);
      expect(one.snapshot).toBeGreaterThan(0);
    }
    // What the store has lost, the backup knows still.
    await owner.purge('a');
    const later = await points.versions('a', { destination: PLACE });
    expect(later.versions.filter(({ state }) => state === 'there')).toHaveLength(6);
    expect(later.versions[0]).toMatchObject({ state: 'purged', inStore: true });
    expect(later.versions.filter(({ inStore }) => inStore)).toHaveLength(1);
    expect(await codeOf(() => points.versions('never', { destination: PLACE }))).toBe('NOT_FOUND');
    expect(await codeOf(() => points.versions('/'))).toBe('INVALID_KEY');
  });
});

describe('an object of a point', () => {
  it('is read as it was, in parts too, also when the store has changed meanwhile', async () => {
    const { owner, backups, points, clock } = await scene();
    const large = Buffer.alloc(400_000, 3);
    await owner.store('large', large);
    await owner.store('small', 'then');
    await backups.backup(PLACE);
    clock.advance(60_000);
    await owner.store('small', 'now');
    const read = async (key: string, range: object = {}): Promise<Buffer> => {
      const { stream } = await points.retrieveStream(key, { destination: PLACE, ...range });
      return Buffer.concat(await Array.fromAsync(stream));
    };
    expect((await read('small')).toString()).toBe('then');
    expect((await read('large')).equals(large)).toBe(true);
    expect(await read('large', { start: 10, end: 20 })).toHaveLength(10);
    expect(await codeOf(() => read('none'))).toBe('NOT_FOUND');
    const { stream } = await points.retrieveStream('large', { destination: PLACE });
    await stream.cancel();
  });

  it('is read as an older version that only the backup keeps, and never as a newer one', async () => {
    const { owner, backups, points, clock } = await scene();
    const written: string[] = [];
    for (const value of ['one', 'two', 'three']) {
      written.push((await owner.store('a', value, { metadata: { value } })).version);
      clock.advance(1000);
    }
    await backups.backup(PLACE);
    await owner.purge('a');
    const { versions } = await points.versions('a', { destination: PLACE });
    const kept = versions.filter(({ state }) => state === 'there');
    expect(kept.map(({ version, inStore }) => [version, inStore])).toEqual(
      written.toReversed().map((version) => [version, false]),
    );
    const read = async (version: string, snapshot = 1): Promise<unknown[]> => {
      const { stream, info } = await points.retrieveStream('a', { destination: PLACE, snapshot, version });
      return [info.version, info.metadata['value'], Buffer.concat(await Array.fromAsync(stream)).toString()];
    };
    expect(await Promise.all(kept.map(({ version, snapshot }) => read(version, snapshot)))).toEqual([
      [written[2], 'three', 'three'],
      [written[1], 'two', 'two'],
      [written[0], 'one', 'one'],
    ]);
    expect(await codeOf(() => read(versions[0]?.version ?? ''))).toBe('NOT_FOUND');
  });
});

describe('the timeline', () => {
  it('says up to when the store can be restored, and where there are gaps', async () => {
    const { points, clock } = await aged(1, 3);
    clock.advance(800);
    const told = await points.timeline(PLACE);
    expect(told).toMatchObject({ destination: PLACE, isContinuous: false, damaged: [] });
    expect(told.snapshots.map(({ number }) => number)).toEqual([3, 2, 1]);
    expect(told.recoverableTo).toEqual(told.windows[0]?.to);
    expect(told.lag).toBe(told.now.getTime() - Number(told.recoverableTo?.getTime()));
    const first = await points.timeline(PLACE, { limit: 2 });
    expect(first).toMatchObject({ before: 2 });
    const rest = await points.timeline(PLACE, { limit: 2, before: first.before });
    expect(rest.snapshots.map(({ number }) => number)).toEqual([1]);
    expect(rest).not.toHaveProperty('before');
  });

  it('of a continuous backup goes on with it', async () => {
    const { owner, backups, points, clock } = await scene();
    await owner.store('a', 'x');
    await using follower = await backups.startContinuous(PLACE, { interval: 1000 });
    clock.advance(5000);
    await owner.store('b', 'y');
    await follower.caughtUp();
    const told = await points.timeline(PLACE, { changes: true });
    expect(told.isContinuous).toBe(true);
    expect(told.recoverableTo).toEqual(follower.status.recoverableTo);
    expect(told.snapshots.some(({ kind }) => kind === 'changes')).toBe(true);
  });

  it('names what is damaged', async () => {
    const { points, shelf } = await aged(2, 3);
    const place = await shelf.at(PLACE);
    const names = (await place.list('s/', {})).entries.map(({ key }) => key);
    await place.write(names[1] ?? '', Buffer.from('x'));
    expect(await points.timeline(PLACE)).toMatchObject({ damaged: [2] });
  });
});

describe('a backup that is looked at', () => {
  it('is opened anew once the keys of the store are others, and closed with the store', async () => {
    const { owner, backups, points } = await scene();
    await owner.store('a', 'x');
    await backups.backup(PLACE);
    await points.browse({ destination: PLACE });
    await owner.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8)).catch(() => undefined);
    await owner.slots.add(Buffer.alloc(32, 5));
    expect(keysOf([await points.browse({ destination: PLACE })])).toEqual(['a']);
    await owner.close();
    expect(await codeOf(() => points.browse({ destination: PLACE }))).toBe('UNAVAILABLE');
  });

  it('is closed in the end, also where somebody went away without reading what they had begun to', async () => {
    const { clock, owner, backups, shelf } = await scene();
    let open = 0;
    const connect: Connect = {
      nameOf: (url) => url,
      async connect(url, signal) {
        const place = await shelf.connect.connect(url, signal);
        open += 1;
        return { ...place, close: async () => void (open -= 1) };
      },
    };
    const points = new RecoveryPoints(owner, backups, connect);
    const idle = async (): Promise<void> => {
      for (let minutes = 0; minutes < 4; minutes++) await clock.sleep(60_000);
    };
    await owner.store('a', Buffer.alloc(400_000, 3));
    await backups.backup(PLACE);
    const gone = new AbortController();
    const { signal } = gone;
    const { stream } = await points.retrieveStream('a', { destination: PLACE, signal });
    const begun = await points.retrieveStream('a', { destination: PLACE, signal });
    const reader = begun.stream.getReader();
    await reader.read();
    await idle();
    expect(open).toBe(1);
    gone.abort();
    await expect(reader.read()).rejects.toThrow();
    await expect(Array.fromAsync(stream)).rejects.toThrow();
    await idle();
    expect(open).toBe(0);
  });

  it('is opened anew where it could not be reached', async () => {
    const { owner, backups, points, shelf } = await scene();
    await owner.store('a', 'x');
    await backups.backup(PLACE);
    shelf.down.add(PLACE);
    expect(await codeOf(() => points.browse({ destination: PLACE }))).toBe('UNAVAILABLE');
    shelf.down.delete(PLACE);
    expect(keysOf([await points.browse({ destination: PLACE })])).toEqual(['a']);
  });

  it('shows at once what was backed up since', async () => {
    const { owner, backups, points, clock } = await scene();
    await owner.store('a', 'x');
    await backups.backup(PLACE);
    await points.browse({ destination: PLACE });
    clock.advance(60_000);
    await owner.store('b', 'x');
    await backups.backup(PLACE);
    expect(keysOf([await points.browse({ destination: PLACE })])).toEqual(['a', 'b']);
  });
});
