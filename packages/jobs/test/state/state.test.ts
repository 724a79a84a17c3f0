import { SecureStoreError } from '@securestore/core-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counting, kindOf } from '../support/kinds.ts';
import { outcomeOf } from '../support/outcome.ts';
import type { World } from '../support/world.ts';
import { createWorld } from '../support/world.ts';

const TEN = { to: 10, every: 1000 };

/** What is stored of a cancelled job. */
async function storedState(): Promise<Uint8Array> {
  const { clock, storage, process } = createWorld();
  const job = process().jobs.start(counting(), { to: 10, every: 1000 });
  const end = outcomeOf(job);
  await clock.pass(2500);
  job.cancel();
  await end;
  return storage.get('count')?.state ?? new Uint8Array();
}

function worldWith(state: Uint8Array): World {
  const world = createWorld();
  world.storage.put('count', state);
  return world;
}

/** What a list says of the job: `listed` or `INTEGRITY`; the code with which it fails where it does. */
async function listing({ process }: World): Promise<string> {
  try {
    const [job] = await process().jobs.list();
    return job?.state === 'damaged' ? job.error : 'listed';
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    return error.code;
  }
}

async function changed(change: (state: Record<string, unknown>) => unknown): Promise<Uint8Array> {
  const text = new TextDecoder().decode(await storedState());
  return Buffer.from(JSON.stringify(change(JSON.parse(text) as Record<string, unknown>)));
}

describe('the stored state', () => {
  it('is refused as INTEGRITY or FORMAT_VERSION whatever the bytes are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await listing(worldWith(bytes))).toBe('INTEGRITY');
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect(['INTEGRITY', 'FORMAT_VERSION']).toContain(await listing(worldWith(Buffer.from(text))));
      }),
    );
  });

  it('is refused or means something after any change of single bytes', async () => {
    const good = await storedState();
    const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Uint8Array.from(good);
        for (const { at, byte } of changes) bytes[at] = byte;
        expect(['INTEGRITY', 'FORMAT_VERSION', 'listed']).toContain(await listing(worldWith(bytes)));
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, (state: Record<string, unknown>) => unknown]>([
    ['a member too many', (state) => ({ ...state, extra: 1 })],
    ['members in another order', ({ version, ...rest }) => ({ ...rest, version })],
    ['no kind', (state) => ({ ...state, kind: undefined })],
    ['a kind that is none', (state) => ({ ...state, kind: 'a/b' })],
    ['no parameters', (state) => ({ ...state, parameters: undefined })],
    ['a wrong run', (state) => ({ ...state, run: 'x' })],
    ['a negative count', (state) => ({ ...state, beat: -1 })],
    ['a cancel flag without a run', (state) => ({ ...state, cancelling: true })],
    ['a wrong error', (state) => ({ ...state, error: '<b>' })],
    ['no progress', (state) => ({ ...state, progress: undefined })],
    ['a list for progress', (state) => ({ ...state, progress: [] })],
    ['a total that is none', (state) => ({ ...state, progress: { phase: 'p', done: 1, total: '5', bytes: 1 } })],
    ['a saved nothing', (state) => ({ ...state, saved: null })],
    ['a saved cursor without progress', (state) => ({ ...state, saved: { cursor: 1 } })],
    ['a wrong version', (state) => ({ ...state, version: 0 })],
    ['no object', () => null],
    [
      'a deep cursor',
      (state) => ({ ...state, parameters: JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown }),
    ],
    ['too many bytes', (state) => ({ ...state, parameters: 'x'.repeat(65_536) })],
  ])('with %s is listed as damaged, and can be forgotten or replaced', async (_what, change) => {
    const world = worldWith(await changed(change));
    const { jobs } = world.process();
    const damaged = {
      code: 'INTEGRITY',
      message: 'the state of job count is damaged',
      advice: [
        { id: 'start-job-again', job: 'count' },
        { id: 'forget-job', job: 'count' },
      ],
    };
    const other = world.process().jobs.start(counting(), TEN, { id: 'other' });
    void outcomeOf(other);
    await world.clock.pass(250);
    expect(await jobs.list()).toMatchObject([
      { id: 'count', state: 'damaged', error: 'INTEGRITY' },
      { id: 'other', state: 'running' },
    ]);
    await expect(jobs.resume([counting()], 'count')).rejects.toMatchObject(damaged);
    await expect(jobs.cancel('count')).rejects.toMatchObject(damaged);
    const next = jobs.start(counting(), TEN);
    await world.clock.pass(27_000);
    expect(await next).toHaveLength(10);
    world.storage.put('count', await changed(change));
    await jobs.forget('count');
    expect(await jobs.list()).toEqual([]);
  });

  it.each([true, false])(
    'that is damaged while it is replaced is LOCKED (backend tells its time: %s)',
    async (tells) => {
      const { clock, process, storage } = createWorld(tells);
      storage.put('count', Buffer.from('{}'));
      const end = outcomeOf(process().jobs.start(counting(), TEN));
      await clock.pass(4000);
      storage.put('count', Buffer.from('{ }'));
      await clock.pass(4000);
      expect(await end).toBe('LOCKED');
    },
  );

  it('that is whole again keeps its cursor', async () => {
    const good = await storedState();
    const { clock, process, storage } = worldWith(Buffer.from('{}'));
    const job = process().jobs.start(counting(), TEN);
    await clock.pass(4000);
    storage.put('count', good);
    await clock.pass(12_000);
    expect(await job).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('with spaces, with other numerals and with a byte order mark is INTEGRITY', async () => {
    const text = new TextDecoder().decode(await storedState());
    for (const other of [`${text} `, `\u{FEFF}${text}`, text.replace('"to":10', '"to":1e1')]) {
      expect(other).not.toBe(text);
      expect(await listing(worldWith(Buffer.from(other)))).toBe('INTEGRITY');
    }
  });

  it('of a newer release is FORMAT_VERSION, and goes only when it is forgotten', async () => {
    const { clock, process } = worldWith(await changed((state) => ({ ...state, version: 2, more: [] })));
    const newer = {
      code: 'FORMAT_VERSION',
      message: 'the state of job count was written by a newer release of securestore',
      advice: [{ id: 'use-newer-release' }, { id: 'forget-job', job: 'count' }],
    };
    const listed = [{ id: 'count', state: 'damaged', error: 'FORMAT_VERSION' }];
    expect(await process().jobs.list()).toMatchObject(listed);
    await expect(process().jobs.resume([counting()], 'count')).rejects.toMatchObject(newer);
    await expect(process().jobs.start(counting(), TEN)).rejects.toMatchObject(newer);
    expect(await process().jobs.list()).toMatchObject(listed);
    const forgotten = process().jobs.forget('count');
    await clock.pass(16_000);
    await forgotten;
    expect(await process().jobs.list()).toEqual([]);
  });

  it('of a newer release that is being rewritten is not forgotten', async () => {
    const state = await changed((before) => ({ ...before, version: 2 }));
    const { clock, process, storage } = worldWith(state);
    const forgotten = outcomeOf(process().jobs.forget('count'));
    await clock.pass(3000);
    storage.put('count', await changed((before) => ({ ...before, version: 2, beat: 9 })));
    await clock.pass(3000);
    expect(await forgotten).toBe('LOCKED');
    expect(await process().jobs.list()).toHaveLength(1);
  });

  it('names no error but codes', async () => {
    const { storage, process } = createWorld();
    const failing = kindOf(() => Promise.reject(new SecureStoreError('NO_SPACE', 'a message with a name in it')));
    expect(await outcomeOf(process().jobs.start(failing, null, { id: 'count' }))).toBe('NO_SPACE');
    expect(new TextDecoder().decode(storage.get('count')?.state)).toContain('NO_SPACE');
    expect(new TextDecoder().decode(storage.get('count')?.state)).not.toContain('a name');
  });
});
