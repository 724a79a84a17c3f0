import { expect, it } from 'vitest';
import { parseCursor } from '../src/online/migration-run.ts';

it.each([undefined, 'abc', 'abc/~def'])('a run goes on after %j', (after) => {
  expect(parseCursor({ instance: 'ab', since: 1, after }, 'ab')).toEqual({ instance: 'ab', since: 1, after });
});

it.each(['ABC', '../x', 'a//b', 'a'.repeat(300), 7])(
  'a run begins anew instead of ending each time at %.20s',
  (after) => {
    expect(parseCursor({ instance: 'ab', since: 1, after }, 'ab')).toBeUndefined();
  },
);
