import { SecureStoreError } from '@securestore/core-format';
import { loadSodium } from './load-sodium.ts';
import type { Suite } from './suite.ts';
import { suite1 } from './suite-1.ts';
import { suite2 } from './suite-2.ts';

/** The suites that this release has, ascending. The first is the default of new stores. */
export const SUITE_IDS: readonly number[] = [1, 2];

const ready = new Map<number, Suite>([[suite1.id, suite1]]);

/** Loads what the suites with these ids need; those that this release doesn't have are left to {@link suiteOf}. */
export async function loadSuites(ids: readonly number[]): Promise<void> {
  if (ids.includes(2) && !ready.has(2)) ready.set(2, suite2(await loadSodium()));
}

/**
 * A suite that has been loaded: 1 always is, others by {@link loadSuites}.
 *
 * @throws SecureStoreError `FORMAT_VERSION` for a suite that this release doesn't have
 */
export function suiteOf(id: number): Suite {
  const suite = ready.get(id);
  if (suite !== undefined) return suite;
  if (SUITE_IDS.includes(id)) throw new SecureStoreError('INTERNAL', `suite ${id} is used before it was loaded`);
  throw new SecureStoreError('FORMAT_VERSION', `unknown suite ${id}`, { advice: [{ id: 'use-newer-release' }] });
}
