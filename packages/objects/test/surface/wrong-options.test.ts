import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, usePlace } from '../support/stores.ts';

/** Given in place of another type: messages must not show it. */
const CANARY = 's3cr3t-value' as never;

const CALLS: readonly (readonly [option: string, got: string, call: (store: ObjectStore) => PromiseLike<unknown>])[] = [
  ['timeout', 'got -1', (store) => store.has('k', { timeout: -1 })],
  ['timeout', 'got a string', (store) => store.has('k', { timeout: CANARY })],
  ['concurrency', 'got 0', (store) => store.retrieveMany([], { concurrency: 0 })],
  ['concurrency', 'got a string', (store) => store.retrieveMany([], { concurrency: CANARY })],
  ['start', 'got -1', (store) => store.retrieveStream('k', { start: -1 })],
  ['end', 'got a string', (store) => store.retrieveStream('k', { end: CANARY })],
  ['ifAbsent', 'got null', (store) => store.store('k', 'x', { ifAbsent: null as never })],
  ['ifDamaged', 'got a string', (store) => store.store('k', 'x', { ifDamaged: CANARY })],
  ['history.days', 'got an array', (store) => store.settings.change({ history: { days: [CANARY] as never } })],
  ['rotation.days', 'got 0.5', (store) => store.settings.change({ rotation: { days: 0.5 } })],
  ['metadata', 'got a bigint', (store) => store.setMetadata('k', { n: 1n })],
  ['metadata', 'got a function', (store) => store.setMetadata('k', { n: () => CANARY })],
  ['metadata', 'got Infinity', (store) => store.setMetadata('k', { n: Infinity })],
];

describe('the error of a wrong option', () => {
  it.each(CALLS)('names %s and what was given, %s, and no value that may be a secret', async (option, got, call) => {
    const store = await createAt(usePlace(memoryPlace));
    await store.store('k', 'x');
    const error = await failure(call(store), 'INVALID_ARGUMENT');
    expect(error.option).toBe(option);
    expect(error.message).toContain(got);
    expect(error.message).not.toContain(CANARY);
    expect(error.message.replace(/^\w+(?:\.\w+)?(?: "k")?: /, '').length).toBeLessThanOrEqual(100);
  });
});
