import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compareToBudget, countAll, countsOf } from '../src/words/prose.ts';
import type { Counts } from '../src/words/prose.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const budget = JSON.parse(readFileSync(new URL('../prose-budget.json', import.meta.url), 'utf8')) as Record<
  string,
  Counts
>;

describe('countsOf', () => {
  it('counts turns of phrase in prose, and not in code', () => {
    const page =
      '# A\n\nWhat lies there is gone on with by whoever was told.\n\n`where` nobody\n\n```ts\nsomebody where\n```\n\n- Who asks?\n- Who knows it is told.\n';
    expect(countsOf('a.md', page)).toEqual({ somebody: 1, whoever: 2, 'goes on': 1, lies: 1, 'is told': 2 });
  });

  it('counts them in the comments of a source, and nowhere else', () => {
    const source = "/** Where it lies.\n * What is `where`. */\nconst somebody = 'where'; // anew\n";
    expect(countsOf('a.ts', source)).toEqual({ where: 1, whoever: 1, lies: 1, anew: 1 });
  });
});

describe('compareToBudget', () => {
  it('tells what is over, and what may not rise again', () => {
    const found = { 'a.md': { where: 2 }, 'new.md': { anew: 1 } };
    expect(compareToBudget(found, { 'a.md': { where: 1 }, 'gone.md': { lies: 3 } })).toEqual({
      over: ['a.md: where 2 times, 1 allowed', 'new.md: anew 1 times, 0 allowed'],
      under: ['gone.md: lies 0 times, the budget still allows 3'],
    });
  });
});

describe('the prose of pages and comments', () => {
  const { over, under } = compareToBudget(countAll(root), budget);

  it('keeps to the budget of each file; CONTRIBUTING.md says how to write', () => {
    expect(over).toEqual([]);
  });

  it('has no budget that it does not need: `node tools/docs-check/src/write-prose-budget.ts` lowers it', () => {
    expect(under).toEqual([]);
  });
});
