import { randomUUID } from 'node:crypto';
import { createFaultInjector, type StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, it } from 'vitest';
import { type BackendFixture, FAULTY_BACKENDS, runConformance } from '../src/index.ts';

/** A memory location that can be broken, with every handle wrapped. */
function fixture(wrap: (inner: StorageBackend) => StorageBackend): BackendFixture {
  const location = `memory:${randomUUID()}`;
  const faults = createFaultInjector();
  return {
    open: async () => {
      const backend = wrap(faults.layer(new MemoryBackend()));
      await backend.init({ location, options: {} });
      return backend;
    },
    breakStorage: async () => faults.plan(() => ({ type: 'fail' })),
  };
}

describe('the suite over the memory backend', () => {
  it('passes all, skips nothing', async () => {
    const { results } = await runConformance({ name: 'sound', createFixture: () => fixture((inner) => inner) });
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
  });
});

describe('the suite fails on a backend that breaks one promise', () => {
  for (const { name, breaks, foundBy, wrap } of FAULTY_BACKENDS) {
    it(`${name}: ${breaks}`, async () => {
      const { results } = await runConformance({ name, createFixture: () => fixture(wrap) });
      const failed = results.filter(({ status }) => status === 'failed');
      expect(failed.map(({ concern }) => concern)).toContain(foundBy);
    });
  }
});
