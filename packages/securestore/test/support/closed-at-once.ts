import { expect, onTestFinished } from 'vitest';
import type { Proxy } from '../../../../tools/services/src/proxy/proxy.ts';
import { createStore, rawKey } from '../../src/index.ts';

/** As many as a store sends at once. */
const AT_ONCE = 64;
/** The connections of a backend. */
const POOL = 50;

/**
 * Reads succeed although all connections are closed while they wait for an answer: by a service that stood still for longer
 * than it keeps them, or a balancer that is replaced.
 *
 * @param proxy leads to a place where nothing is
 * @param request what a request that reads is longer than, in bytes
 */
export async function readsThoughClosedAtOnce(proxy: Proxy, request: number): Promise<void> {
  const unlock = rawKey(Buffer.alloc(32, 7));
  const store = await createStore(proxy.url, { unlock, maintenance: false, anchor: false });
  onTestFinished(() => store.close());
  const keys = Array.from({ length: AT_ONCE }, (_, index) => `k/${index}`);
  await store.storeMany(keys.map((key) => ({ key, data: key })));
  proxy.holdAnswers();
  const isUnderWay = proxy.sends(POOL * request);
  const reading = Promise.allSettled(keys.map(async (key) => (await store.retrieve(key)).text()));
  await isUnderWay;
  proxy.cut();
  proxy.set();
  expect(await reading).toEqual(keys.map((value) => ({ status: 'fulfilled', value })));
}
