import { expect, it } from 'vitest';
import { Tally } from '../src/scrub/tally.ts';

const COUNTS = { objects: 0, deleted: 0, versions: 0, blobs: 0, parts: 0, bytes: 0, unreadable: 0 };

it.each(['ABC', '../x', 'a//b', 'a'.repeat(300)])(
  'a scrub begins anew instead of ending each time at %.20s',
  (position) => {
    const saved = new Tally(undefined, { payloads: true }, 5).cursor('abc', COUNTS, 6);
    expect(new Tally(saved, undefined, 7).position).toBe('abc');
    expect(new Tally({ ...saved, position }, undefined, 7)).toMatchObject({ position: undefined, started: 7 });
  },
);
