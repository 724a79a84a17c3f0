import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const page: string = readFileSync(new URL('../../../docs/glossary.md', import.meta.url), 'utf8');
const rows: string[] = page.split('\n').filter((line) => /^\| (?!Term |-)/.test(line));
const terms: string[] = rows.map((row) => /\[([^\]]+)\]/.exec(row)?.[1] ?? '');

it('the glossary has each term once, in the order of the alphabet', () => {
  expect(terms.length).toBeGreaterThan(100);
  const letters = terms.map((term) => term.toLowerCase().replaceAll(/[^a-z ]/g, ''));
  expect(letters).toEqual(letters.toSorted());
  expect(new Set(terms).size).toBe(terms.length);
});

it('the glossary explains each term in one line, as a link to a page', () => {
  const wrong = rows.filter((row) => !/^\| \[[^\]]+\]\([\w/#.-]+\) +\| [^|]+ \|$/.test(row));
  expect(wrong).toEqual([]);
});
