import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { runConformance } from '../../src/index.ts';
import { type Operation, formatOperations, parseOperations } from '../../src/operations/operation.ts';
import { randomOperations } from '../../src/operations/random-operations.ts';
import { OperationError, runOperations } from '../../src/operations/run-operations.ts';
import { memoryFixture, withoutOptional } from '../fixtures.ts';

type Wrap = (inner: StorageBackend) => StorageBackend;

async function run(wrap: Wrap, operations: readonly Operation[]): Promise<void> {
  const fixture = memoryFixture(wrap);
  await runOperations(async () => fixture.open(), operations);
}

/** What is stored after the operations: each key with a digest of its body. */
async function contentsAfter(wrap: Wrap, seed: number): Promise<string[]> {
  const fixture = memoryFixture(wrap);
  const looking = await fixture.open();
  await runOperations(async () => fixture.open(), randomOperations(seed, 1000));
  const { entries } = await looking.list('');
  const found = entries.map(async ({ key }) => {
    const body = (await looking.read(key))?.body ?? new Uint8Array();
    return `${key} ${hash('sha256', body)}`;
  });
  return Promise.all(found);
}

/** A backend that deletes one key with every other. */
function confused(inner: StorageBackend): StorageBackend {
  return forwardTo(inner, {
    delete: async (key, options) => {
      await inner.delete(key, options);
      await inner.delete('a0');
    },
  });
}

const kindOf = (options: { ifMatch?: string; ifAbsent?: true } = {}): string => Object.keys(options).join('');

async function endOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );
}

/** Notes every kind of change, and how it ended. */
function noting(seen: Set<string>): Wrap {
  const note = async <T>(what: string, call: Promise<T>): Promise<T> => {
    seen.add(`${what} ${await endOf(call)}`);
    return call;
  };
  return (inner) =>
    forwardTo(inner, {
      write: async (key, body, options) => note(`write ${kindOf(options)}`, inner.write(key, body, options)),
      delete: async (key, options) => note(`delete ${kindOf(options)}`, inner.delete(key, options)),
      batch: async (operations) => note('batch', inner.batch?.(operations) ?? Promise.resolve([])),
    });
}

async function failureOf(wrap: Wrap): Promise<string> {
  const { results } = await runConformance({ name: 'confused', seed: 7, createFixture: () => memoryFixture(wrap) });
  const [failed] = results.filter(({ concern, status }) => concern === 'model' && status === 'failed');
  return failed?.status === 'failed' ? failed.error : 'it passed';
}

describe('random operations', () => {
  it.each([1, 2, 3])('are the same for every backend, and leave the same behind (seed %i)', async (seed) => {
    const sound = await contentsAfter((inner) => inner, seed);
    expect(sound.length).toBeGreaterThan(5);
    expect(await contentsAfter(withoutOptional, seed)).toEqual(sound);
  });

  it('survive being written as lines', () => {
    const operations = randomOperations(4, 1000);
    expect(parseOperations(`\n  ${formatOperations(operations).replaceAll('\n', '\n\n  ')}`)).toEqual(operations);
  });

  it('hold every kind of call, condition and end', async () => {
    const seen = new Set<string>();
    await run(noting(seen), randomOperations(5, 1000));
    const conditional = ['write ifMatch', 'write ifAbsent', 'delete ifMatch', 'batch'];
    const expected = [
      'write  done',
      'delete  done',
      ...conditional.flatMap((what) => [`${what} done`, `${what} CONFLICT`]),
    ];
    expect([...seen].toSorted()).toEqual(expected.toSorted());
  });

  it('that fail are reduced to the few that matter, and these can be run again from a file', async () => {
    const error = await failureOf(confused);
    const [, log = ''] = error.split('=<file>:\n');
    const reduced = parseOperations(log);
    expect(reduced.length).toBeGreaterThan(1);
    expect(reduced.length).toBeLessThanOrEqual(4);
    await expect(run(confused, reduced)).rejects.toThrow(OperationError);
    await run((inner) => inner, reduced);

    const folder = mkdtempSync(join(tmpdir(), 'securestore-operations-'));
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
    writeFileSync(join(folder, 'log'), log);
    vi.stubEnv('SECURESTORE_TESTKIT_OPERATIONS', join(folder, 'log'));
    expect(await failureOf(confused)).toContain(`of ${reduced.length} with seed`);
    expect(await failureOf((inner) => inner)).toBe('it passed');
  });
});
