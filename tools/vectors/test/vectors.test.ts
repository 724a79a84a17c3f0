import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { files } from '../src/vectors.ts';
import { LONG, onlyLong } from '../../campaigns/src/size.ts';

const folder = new URL('../../../packages/core-format/vectors/', import.meta.url);

interface Fault {
  readonly in: string;
  readonly gone?: true;
  readonly remove?: number;
  readonly insert?: string;
}

interface Vector {
  readonly name: string;
  readonly rule?: string;
  readonly fault?: Fault;
  readonly edits: readonly (Omit<Fault, 'in'> & { readonly object: string })[];
  readonly expect: string;
}

const published = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => [file, readFileSync(new URL(file, folder), 'utf8')] as const);
const vectors = published.flatMap(([file, text]) =>
  file === 'bases.json' ? [] : (JSON.parse(text) as { vectors: Vector[] }).vectors,
);

const changes = ({ gone, remove = 0, insert = '' }: Omit<Fault, 'in'>): boolean =>
  gone === true || remove > 0 || insert !== '';

describe('the published vectors', () => {
  it.runIf(LONG)(onlyLong('are what the generator makes, byte for byte'), { timeout: 240_000 }, () => {
    const made = files();
    expect(published.map(([file]) => file).toSorted()).toEqual([...made.keys()].toSorted());
    for (const [file, text] of published) {
      expect(made.get(file) === text, `${file}: run npm run vectors`).toBe(true);
    }
  });

  it('are as many as promised and small enough to be published', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(150);
    expect(published.reduce((sum, [, text]) => sum + text.length, 0)).toBeLessThan(2_200_000);
  });

  it('have one fault each, which is one piece of one structure, or none', () => {
    for (const { name, fault, edits } of vectors) {
      if (fault === undefined) expect(edits, name).toEqual([]);
      else {
        expect(changes(fault), name).toBe(!fault.in.startsWith('at '));
        expect(edits.length, name).toBeGreaterThan(0);
      }
      for (const edit of edits) expect(changes(edit), name).toBe(true);
    }
  });

  it('change nothing but the one object where the fault is at the backend', () => {
    const atBackend = vectors.filter(({ fault }) => fault?.in.startsWith('at '));
    expect(atBackend.length).toBeGreaterThan(100);
    for (const { name, fault, edits } of atBackend) {
      expect(
        edits.map(({ object }) => `at ${object}`),
        name,
      ).toEqual([fault?.in]);
    }
  });

  it('name requirements that the specification has', () => {
    const specification = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8');
    for (const { name, rule } of vectors) {
      if (rule !== undefined) expect(specification.includes(`[${rule}]`), `${name}: ${rule}`).toBe(true);
    }
  });
});
