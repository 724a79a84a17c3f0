import { describe, expect, it } from 'vitest';
import type { Job, JobContext, JobKind } from '../src/index.ts';
import { counting, kindOf } from './support/kinds.ts';
import { outcomeOf } from './support/outcome.ts';
import { createWorld } from './support/world.ts';

const TEN = { to: 10, every: 1000 };

function saving(text: string): (context: JobContext<string>) => Promise<void> {
  return ({ save }) => save(text, { now: true });
}

describe('what is wrong from the start', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  const circle: { self?: unknown } = {};
  circle.self = circle;

  it.each([
    ['a date', { when: new Date(0) }, 'the parameters of job test.when is not a plain object'],
    ['a function', { parse: () => 1 }, 'the parameters of job test.parse is of the type function'],
    ['a bigint', [1n], 'the parameters of job test[0] is of the type bigint'],
    ['nothing', undefined, 'the parameters of job test is of the type undefined'],
    ['nothing in a list', [undefined], 'the parameters of job test[0] is of the type undefined'],
    ['no number', { a: Number.NaN }, 'the parameters of job test.a is not a finite number'],
    ['bytes', new Uint8Array(2), 'the parameters of job test is not a plain object'],
    ['33 levels', deep(33), 'is nested more than 32 deep, or in a circle'],
    ['a circle', circle, 'is nested more than 32 deep, or in a circle'],
  ])('parameters with %s are INVALID_ARGUMENT', async (_what, parameters, message) => {
    const { process } = createWorld();
    const { jobs, connection } = process();
    const kind: JobKind<unknown, void> = { name: 'test', run: async () => undefined, parse: (value) => value };
    await expect(jobs.start(kind, parameters)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message) as unknown,
    });
    expect(connection.calls).toEqual([]);
    expect(
      await outcomeOf(
        jobs.start(
          kindOf(({ save }) => save(parameters)),
          null,
        ),
      ),
    ).toBe('INVALID_ARGUMENT');
  });

  it('parameters and cursors come back as they were, without what is undefined', async () => {
    const { process } = createWorld();
    const { jobs } = process();
    const value = { text: 'ü\ud800\n', list: [null, true, -1.5, { a: [] }], none: undefined, deep: deep(31) };
    const kind: JobKind<unknown, unknown> = { name: 'test', parse: (stored) => stored, run: async () => undefined };
    const stop = new AbortController();
    const savingAll = async ({ save }: JobContext<unknown>): Promise<void> => {
      stop.abort();
      await save(value);
    };
    expect(await outcomeOf(jobs.start({ ...kind, run: savingAll }, value, { signal: stop.signal }))).toBe('ABORTED');
    const resumed = jobs.resume([{ ...kind, run: async ({ parameters, cursor }) => [parameters, cursor] }], 'test');
    const { none: _, ...expected } = value;
    expect(await resumed).toStrictEqual([expected, expected]);
  });

  it.each([
    ['parameters', 16 * 1024, 'the parameters of job test must have at most 16384 bytes as JSON, got 16385'],
    ['a cursor', 40 * 1024, 'the cursor of job test must have at most 40960 bytes as JSON, got 40961'],
  ])('%s may be so large and not larger', async (what, limit, message) => {
    const { process } = createWorld();
    const { jobs } = process();
    const kind: JobKind<string, void> = { name: 'test', run: saving(''), parse: () => '' };
    const run = (text: string): Job<void> =>
      what === 'parameters' ? jobs.start(kind, text) : jobs.start({ ...kind, run: saving(text) }, '');
    await run('x'.repeat(limit - 2));
    await expect(run('x'.repeat(limit - 1))).rejects.toMatchObject({ code: 'TOO_LARGE', message });
  });

  it.each(['', 'A', '-a', 'a-', 'a/b', 'a b', 'ä', 'a'.repeat(65), 7])(
    'the id %j is refused by every call',
    async (id) => {
      const { process } = createWorld();
      const { jobs, connection } = process();
      const bad = id as string;
      const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('the id of a job') as unknown };
      await expect(jobs.start(counting(), TEN, { id: bad })).rejects.toMatchObject(refused);
      await expect(jobs.resume([counting()], bad)).rejects.toMatchObject(refused);
      await expect(jobs.cancel(bad)).rejects.toMatchObject(refused);
      await expect(jobs.forget(bad)).rejects.toMatchObject(refused);
      expect(connection.calls).toEqual([]);
    },
  );

  it.each(['', 'Rekey', 're key', 'a'.repeat(41)])('the kind %j is refused', async (name) => {
    const { process } = createWorld();
    const job = process().jobs.start(
      kindOf(async () => 1, name),
      null,
      { id: 'it' },
    );
    await expect(job).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('the name of a kind of job') as unknown,
    });
  });

  it('an id and "exclusive: false" are refused together', async () => {
    const { process } = createWorld();
    const job = process().jobs.start(counting(), TEN, { id: 'it', exclusive: false });
    await expect(job).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'the option "exclusive" of a job must not be false with an "id"',
      option: 'exclusive',
    });
  });
});
