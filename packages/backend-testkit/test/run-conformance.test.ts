import { forwardTo } from '@securestore/backend-api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type BackendFixture,
  type ConformanceOptions,
  describeBackend,
  formatReport,
  runConformance,
} from '../src/index.ts';
import { memoryFixture, withoutOptional } from './fixtures.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Forgets every third deletion of a handle, which random operations are sure to notice. */
function forgetful(): BackendFixture {
  return memoryFixture((inner) => {
    let deletions = 0;
    return forwardTo(inner, {
      delete: async (key, options) => {
        deletions += 1;
        if (deletions % 3 !== 0) await inner.delete(key, options);
      },
    });
  });
}

function failsInTheModel(seed?: number): ConformanceOptions {
  return { name: 'forgetful', createFixture: forgetful, ...(seed === undefined ? {} : { seed }) };
}

async function modelError(options: ConformanceOptions): Promise<string> {
  const { results } = await runConformance(options);
  const [failed] = results.filter(({ concern, status }) => concern === 'model' && status === 'failed');
  return failed?.status === 'failed' ? failed.error : 'it passed';
}

describe('runConformance', () => {
  it('prints the seed and the last operations of a failed model, and replays them', async () => {
    const error = await modelError(failsInTheModel(42));
    expect(error).toMatch(/at operation \d+ of 1000 with seed 42; these alone fail, too,.*:\n(?: {2}\{"do":.*\}\n)+$/);
    expect(await modelError(failsInTheModel(42))).toBe(error);
    vi.stubEnv('SECURESTORE_TESTKIT_SEED', '42');
    expect(await modelError(failsInTheModel())).toBe(error);
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])('refuses the seed %s', async (seed) => {
    await expect(runConformance(failsInTheModel(seed))).rejects.toThrowError(RangeError);
  });

  it('closes every handle and disposes of every store URL, also after failures', async () => {
    let handles = 0;
    let urls = 0;
    const createFixture = (): BackendFixture => {
      urls += 1;
      const fixture = memoryFixture((inner) => {
        handles += 1;
        let open = true;
        return forwardTo(inner, {
          close: async () => {
            if (open) handles -= 1;
            open = false;
            return inner.close();
          },
          list: async () => ({ entries: [], more: false }),
        });
      });
      return { ...fixture, dispose: async () => void (urls -= 1) };
    };
    const { results } = await runConformance({ name: 'blind', createFixture });
    expect(results.some(({ status }) => status === 'failed')).toBe(true);
    expect([handles, urls]).toEqual([0, 0]);
  });
});

describe('formatReport', () => {
  it('counts, names the capabilities, and has a line for each test', async () => {
    const report = await runConformance({ name: 'plain | odd', createFixture: () => memoryFixture(withoutOptional) });
    const text = formatReport({
      ...report,
      results: [...report.results, { concern: 'made up', test: 'a | b', status: 'failed', error: 'one\n two' }],
    });
    const passed = report.results.filter(({ status }) => status === 'passed').length;
    const skipped = report.results.length - passed;
    expect(text).toContain(`\n${passed} passed, 1 failed, ${skipped} skipped (seed ${report.seed})\n`);
    expect(text).toContain('| `atomicBatch` | false |');
    expect(text).toContain(String.raw`| made up | a \| b | **failed**: one two |`);
    expect(text.split('\n').filter((line) => line.startsWith('| ')).length).toBeGreaterThan(report.results.length);
  });
});

describe('describeBackend', () => {
  it('declares every test of the run, with the reason in the name of each that is skipped', async () => {
    const path: string[] = [];
    const declared: string[] = [];
    const skipped: string[] = [];
    const declare = Object.assign((name: string) => declared.push(`${path.join(' > ')} > ${name}`), {
      skip: (name: string) => skipped.push(name),
    });
    const group = (name: string, body: () => void): void => {
      path.push(name);
      body();
      path.pop();
    };
    const options = { name: 'plain', createFixture: () => memoryFixture(withoutOptional) };
    await describeBackend({ describe: group, it: declare }, options);
    const { results } = await runConformance(options);
    expect([declared.length, skipped.length]).toEqual([
      results.filter(({ status }) => status === 'passed').length,
      results.filter(({ status }) => status === 'skipped').length,
    ]);
    expect(declared).toContain('plain: backend contract > missing keys > read gives undefined');
    for (const name of skipped) expect(name).toMatch(/ \(skipped: .+\)$/);
  });
});
