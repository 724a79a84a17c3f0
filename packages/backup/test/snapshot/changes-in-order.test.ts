import fc from 'fast-check';
import type { Change } from '@securestore/objects/internal';
import { expect, test } from 'vitest';
import { ChangesInOrder } from '../../src/snapshot/changes-in-order.ts';

function changeOf(token: string, version: number, size = 1): Change {
  return { token, header: { version }, record: new Uint8Array(size), name: `o/${token}` } as unknown as Change;
}

test('changes are visited in the order of their tokens, and those of one object as they came', async () => {
  const some = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(some, async (tokens) => {
      const visited: [string, number][] = [];
      const changes = new ChangesInOrder(async ({ token, header }) => void visited.push([token, header.version]));
      for (const [at, token] of tokens.entries()) await changes.add(changeOf(token, at));
      expect(visited).toEqual([]);
      await changes.finish();
      const expected = tokens.map((token, at): [string, number] => [token, at]);
      expect(visited).toEqual(expected.toSorted(([a, one], [b, other]) => (a < b ? -1 : a > b ? 1 : one - other)));
      await changes.finish();
      expect(visited.length).toBe(tokens.length);
    }),
  );
});

test.each([
  ['16,384 changes', 16_384, 0],
  ['changes of 16 MiB', 16, 1024 * 1024],
])('%s are visited before more are held', async (_, count, size) => {
  let visited = 0;
  const changes = new ChangesInOrder(async () => void (visited += 1));
  for (let at = 1; at < count; at++) await changes.add(changeOf('a', at, size));
  expect(visited).toBe(0);
  await changes.add(changeOf('a', count, size));
  expect(visited).toBe(count);
});

test('a change that fails ends the visit', async () => {
  const changes = new ChangesInOrder(async ({ token }) => {
    if (token === 'b') throw new Error('damaged');
  });
  await changes.add(changeOf('b', 1));
  await changes.add(changeOf('a', 1));
  await expect(changes.finish()).rejects.toThrow('damaged');
});
