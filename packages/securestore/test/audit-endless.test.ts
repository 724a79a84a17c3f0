import { expect, test } from 'vitest';
import { audited, storeUrlOf, reopen } from './support/audits.ts';

async function* failing(): AsyncGenerator<string> {
  yield 'a';
  throw new Error('no more');
}

test('a source of items that never ends hides nothing of what came of it', async () => {
  const url = storeUrlOf();
  const store = await audited(url, { mode: 'fail-closed' });
  const other = await reopen(url);

  const goOn = Promise.withResolvers<void>();
  const isStored = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<{ key: string; data: string }> {
    for (let at = 0; at < 300; at++) yield { key: `many/${at}`, data: 'x' };
    isStored.resolve();
    await goOn.promise;
    yield { key: 'last', data: 'x' };
  }
  const storing = store.storeMany(endless());
  await isStored.promise;
  const written = async (): Promise<number> => {
    const entries = await other.audit.entries({ entries: 10_000 });
    return entries.filter(({ action }) => action === 'write').length;
  };
  // The first ones by their number, the last ones since nothing follows on them for a while.
  await expect.poll(written, { timeout: 60_000 }).toBe(300);
  goOn.resolve();
  const results = await storing;
  expect(results).toHaveLength(301);
  expect(results.every(({ ok }) => ok)).toBe(true);
  expect(await written()).toBe(301);
});

test('calls about many objects are refused and fail as they do where nothing is recorded', async () => {
  const store = await audited('memory:');
  await expect(store.retrieveMany(failing())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(store.retrieveMany('abc' as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(store.retrieveMany([], { nonsense: 1 } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await store.retrieveMany([])).toEqual([]);
  const codesAfter = async (milliseconds: number): Promise<unknown> => {
    const stop = new AbortController();
    const slow = async function* (): AsyncGenerator<string> {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      stop.abort();
      yield 'b';
    };
    const results = await store.retrieveMany(slow(), { signal: stop.signal });
    return results.map((result) => [result.key, result.ok ? '' : result.error.code]);
  };
  // On a machine that is busy the first one may be aborted before it is answered.
  let milliseconds = 125;
  const codes = (): Promise<unknown> => codesAfter((milliseconds *= 2));
  await expect.poll(codes, { timeout: 60_000 }).toEqual([
    ['a', 'NOT_FOUND'],
    ['b', 'ABORTED'],
  ]);
});
