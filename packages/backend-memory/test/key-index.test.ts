import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyIndex } from '../src/key-index.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '0', '~'), minLength: 1, maxLength: 5 });

function listed(index: KeyIndex, from: string, inclusive: boolean, prefix: string): string[] {
  return [...index.from(from, inclusive, prefix)];
}

function numbered(number: number): string {
  return `k/${String(number).padStart(6, '0')}`;
}

describe('KeyIndex', () => {
  it('lists like a sorted set, however insertions, deletions and listings alternate', () => {
    const change = fc.record({ key, present: fc.boolean() });
    const question = fc.record({ from: key, inclusive: fc.boolean(), length: fc.nat(5) });
    const turn = fc.tuple(fc.array(change, { maxLength: 30 }), question);
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 12 }), (turns) => {
        const present = new Set<string>();
        const index = new KeyIndex((candidate) => present.has(candidate));
        for (const [changes, { from, inclusive, length }] of turns) {
          for (const each of changes) {
            if (each.present) present.add(each.key);
            else present.delete(each.key);
            index.touch(each.key);
          }
          const prefix = from.slice(0, length);
          const expected = [...present].filter(
            (candidate) => candidate.startsWith(prefix) && (inclusive ? candidate >= from : candidate > from),
          );
          expect(listed(index, from, inclusive, prefix)).toEqual(expected.toSorted());
        }
      }),
    );
  });

  it('stays in order over many blocks, through growth and decay', () => {
    const present = new Set<string>();
    const index = new KeyIndex((candidate) => present.has(candidate));
    for (let turn = 0; turn < 10_000; turn += 1) {
      const added = numbered((turn * 7919) % 10_007);
      present.add(added);
      index.touch(added);
      if (turn % 1000 === 0) expect(listed(index, '', true, '')).toEqual([...present].toSorted());
    }
    for (const removed of [...present].filter((_, place) => place % 10 !== 0)) {
      present.delete(removed);
      index.touch(removed);
    }
    expect(listed(index, '', true, '')).toEqual([...present].toSorted());
    const after = numbered(5000);
    expect(listed(index, after, false, 'k/')).toEqual([...present].filter((each) => each > after).toSorted());
  });
});
