import { SecureStoreError } from '@securestore/core-format';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StateKind } from '../../src/index.ts';
import { isCount, SharedState } from '../../src/index.ts';
import { FakeClock } from '../support/clock.ts';
import type { Fault } from '../support/storage.ts';
import { Connection, TestStorage } from '../support/storage.ts';

interface Counted {
  readonly count: number;
  readonly by: readonly string[];
}

const KIND: StateKind<Counted> = {
  what: 'the count',
  version: 2,
  parse: ({ count, by }) => (isCount(count) && Array.isArray(by) ? { count, by: by as string[] } : undefined),
};

let clock: FakeClock;
let storage: TestStorage;

beforeEach(() => {
  clock = new FakeClock();
  storage = new TestStorage(clock, true);
});

function process(): { connection: Connection; state: SharedState<Counted>; add: (by: string) => Promise<void> } {
  const connection = new Connection(storage);
  const state = new SharedState(connection, clock, 'count', KIND);
  const add = (by: string): Promise<void> =>
    state.update(({ value }) => {
      const before = value?.by ?? [];
      return before.includes(by) ? undefined : { count: before.length + 1, by: [...before, by] };
    });
  return { connection, state, add };
}

const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (SecureStoreError.is(error) ? error.code : String(error)),
  );

describe('a state that several processes change', () => {
  it('loses nobody’s change', async () => {
    const names = ['a', 'b', 'c'];
    await Promise.all(names.map((name) => process().add(name)));
    const { value } = await process().state.read();
    expect(value?.count).toBe(3);
    expect(value?.by.toSorted()).toEqual(names);
  });

  it.each<Fault>(['done unknown', 'undone unknown', 'conflict'])(
    'is changed once where a write is %s',
    async (fault) => {
      const { connection, state, add } = process();
      let faults = 1;
      connection.fault = (call) => (call === 'write' && faults-- > 0 ? fault : undefined);
      await add('a');
      expect((await state.read()).value).toEqual({ count: 1, by: ['a'] });
    },
  );

  it('is given up where nobody ever knows', async () => {
    const { connection, add } = process();
    connection.fault = (call) => (call === 'write' ? 'undone unknown' : undefined);
    expect(await code(add('a'))).toBe('UNAVAILABLE');
  });

  it('is not waited for without end', async () => {
    const { connection, state } = process();
    connection.cut();
    const reading = code(state.read());
    clock.advance(10_001);
    expect(await reading).toBe('TIMEOUT');
  });

  it.each(['', '{', '[]', 'null', '{"version":2}', '{"version":1,"count":1,"by":[]}', '{"version":"3"}', '\ufeff{}'])(
    'stands in nobody’s way where it is %j',
    async (text) => {
      storage.put('count', Buffer.from(text));
      const { state, add } = process();
      expect((await state.read()).value).toBeUndefined();
      await add('a');
      expect((await state.read()).value).toEqual({ count: 1, by: ['a'] });
    },
  );

  it('is left alone where a newer release has written it', async () => {
    storage.put('count', Buffer.from('{"version":3}'));
    const { state, add } = process();
    expect(await code(state.read())).toBe('FORMAT_VERSION');
    expect(await code(add('a'))).toBe('FORMAT_VERSION');
    expect(Buffer.from(storage.get('count')?.state ?? []).toString()).toBe('{"version":3}');
  });

  it('is not written where it is larger than 64 KiB', async () => {
    expect(await code(process().add('x'.repeat(64 * 1024)))).toBe('TOO_LARGE');
    expect(storage.get('count')).toBeUndefined();
  });
});
