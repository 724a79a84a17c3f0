import { expect, it } from 'vitest';
import { Held } from '../../src/record/backpressure.ts';

/** A place for two that others leave. */
function place(): { held: Held<string>; inside: string[]; leave: () => void } {
  const inside: string[] = [];
  let taken = 0;
  const held = new Held<string>(
    () => taken < 2,
    (item) => {
      taken++;
      inside.push(item);
    },
  );
  const leave = (): void => {
    taken--;
    held.release();
  };
  return { held, inside, leave };
}

it('admits at once where there is room, and the others in their order', async () => {
  const { held, inside, leave } = place();
  expect([held.enter('a'), held.enter('b')]).toEqual([undefined, undefined]);
  const order: string[] = [];
  const waiting = ['c', 'd'].map(async (item) => {
    await held.enter(item);
    order.push(item);
  });
  expect(inside).toEqual(['a', 'b']);
  leave();
  expect(inside).toEqual(['a', 'b', 'c']);
  leave();
  await Promise.all(waiting);
  expect([inside, order]).toEqual([
    ['a', 'b', 'c', 'd'],
    ['c', 'd'],
  ]);
});

it('lets nobody pass who comes later', () => {
  const { held, inside, leave } = place();
  for (const item of ['a', 'b', 'c']) void held.enter(item);
  leave();
  leave();
  expect(held.enter('d')).toBeUndefined();
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
  for (const item of ['e', 'f']) expect(held.enter(item)).toBeInstanceOf(Promise);
  leave();
  expect(inside.at(-1)).toBe('e');
});

it('is emptied when the last one is in, also of those that come meanwhile', async () => {
  const { held, leave } = place();
  for (const item of ['a', 'b', 'c']) void held.enter(item);
  let isEmptied = false;
  const emptied = held.emptied().then(() => (isEmptied = true));
  void held.enter('d');
  leave();
  await new Promise(setImmediate);
  expect(isEmptied).toBe(false);
  leave();
  await emptied;
  await held.emptied();
});
