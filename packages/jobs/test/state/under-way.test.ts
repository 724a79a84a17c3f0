import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { JobKind } from '../../src/index.ts';
import { outcomeOf } from '../support/outcome.ts';
import { createWorld } from '../support/world.ts';

interface Depth {
  readonly depth: number;
}

/** Work of which its owner says what is under way. Its report: how deep it went, and from where. */
function kept(owner: { underWay: Depth | undefined }, fails = false): JobKind<Depth, unknown> {
  return {
    name: 'kept',
    parse: (parameters) => parameters as Depth,
    underWay: async () => owner.underWay,
    async run({ parameters, cursor, save }) {
      await save('half');
      if (fails) throw new SecureStoreError('NO_SPACE', 'full');
      return [parameters.depth, cursor];
    },
  };
}

describe('work of which its owner says what is under way', () => {
  it('is gone on with by its state', async () => {
    const { process } = createWorld();
    const owner = { underWay: undefined as Depth | undefined };
    const { jobs } = process();
    expect(await outcomeOf(jobs.start(kept(owner, true), { depth: 1 }))).toBe('NO_SPACE');
    owner.underWay = { depth: 1 };
    expect(await jobs.list([kept(owner)])).toMatchObject([{ id: 'kept', state: 'interrupted' }]);
    expect(await outcomeOf(jobs.start(kept(owner), { depth: 2 }))).toBe('CONFLICT');
    expect(await jobs.resume([kept(owner)], 'kept')).toEqual([1, 'half']);
    expect(await jobs.list()).toEqual([]);
  });

  it('is not gone on with by the state of work that is over', async () => {
    const { storage, process } = createWorld();
    const owner = { underWay: undefined };
    const { jobs } = process();
    for (const next of ['resume', 'start'] as const) {
      expect(await outcomeOf(jobs.start(kept(owner, true), { depth: 1 }))).toBe('NO_SPACE');
      expect(await jobs.list([kept(owner)])).toEqual([]);
      expect(await jobs.list()).toHaveLength(1);
      if (next === 'start') expect(await jobs.start(kept(owner), { depth: 2 })).toEqual([2, undefined]);
      else expect(await outcomeOf(jobs.resume([kept(owner)], 'kept'))).toBe('NOT_FOUND');
      expect(storage.entries.size).toBe(0);
    }
  });

  it('goes on without a state, and in the place of that of other work', async () => {
    const { process } = createWorld();
    const owner = { underWay: undefined as Depth | undefined };
    const { jobs } = process();
    owner.underWay = { depth: 1 };
    expect(await jobs.resume([kept(owner)], 'kept')).toEqual([1, undefined]);
    owner.underWay = { depth: 2 };
    expect(await outcomeOf(jobs.resume([kept(owner, true)], 'kept'))).toBe('NO_SPACE');
    owner.underWay = { depth: 1 };
    expect(await outcomeOf(jobs.start(kept(owner), { depth: 2 }))).toBe('CONFLICT');
    expect(await jobs.resume([kept(owner)], 'kept')).toEqual([1, undefined]);
  });
});

const refuse = (): Promise<void> => Promise.reject(new SecureStoreError('UNLOCK_FAILED', 'no'));

describe('what is done before a job begins', () => {
  it('leaves no state where it fails', async () => {
    const { storage, process } = createWorld();
    const job = process().jobs.start(kept({ underWay: undefined }), { depth: 1 }, { before: refuse });
    expect(await outcomeOf(job)).toBe('UNLOCK_FAILED');
    expect(storage.entries.size).toBe(0);
  });
});
