import type { AuditEntry } from '@securestore/core-format';
import { decodeAuditEntry, encodeAuditEntry } from '@securestore/core-format';
import { beforeAll, describe, expect, it } from 'vitest';
import { entryLine } from '../src/index.ts';
import type { ChainedEntry } from '../src/index.ts';
import { audit, newAuditor, newStore, short, writeSegment } from './support/world.ts';
import type { TestStore, Written } from './support/world.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const COUNT = 1000;
/** Every position is attacked once; so many in one log, so that all of it takes seconds. */
const STRIDE = 10;

let store: TestStore;
let log: Written;
let lines: readonly string[];
/** Of the same store, and of another one with the same auditor. */
let sibling: Written;
let stranger: Written;

beforeAll(async () => {
  const auditor = await newAuditor();
  store = await newStore(auditor);
  log = await writeSegment(store, COUNT);
  lines = [log.header, ...log.lines];
  sibling = await writeSegment(store, COUNT, { seed: 'sibling' });
  stranger = await writeSegment(await newStore(auditor, 'other'), COUNT, { seed: 'stranger' });
});

/** Entry `sequence`, written anew with changes that its writer did not make. */
function rewritten(sequence: number, changes: Partial<ChainedEntry>, entry: Partial<AuditEntry> = {}): string {
  const { segment } = log.chain.header.header;
  const before = log.entries[sequence - 1];
  if (before === undefined) throw new Error('no such entry');
  const changed = { ...before.entry, ...entry };
  return entryLine(segment, { ...before, entry: changed, bytes: encodeAuditEntry(changed), ...changes });
}

const other = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte, index) => (index === 5 ? byte ^ 1 : byte)));

interface Attack {
  readonly name: string;
  /** What stands in the place of the line. */
  readonly instead: (sequence: number, line: string) => readonly string[];
  readonly found: (sequence: number) => readonly string[];
  /** Positions at which it is another attack or none. */
  readonly not?: readonly number[];
}

const attacks: Attack[] = [
  {
    name: 'edits an entry',
    instead: (sequence) => [rewritten(sequence, {}, { principal: 'mallory' })],
    found: (sequence) => [`edited ${sequence}`],
  },
  {
    name: 'edits an entry and invents its MAC',
    instead: (sequence) => [rewritten(sequence, { mac: Buffer.alloc(32, 7) }, { outcome: 'allowed', reason: 'x' })],
    found: (sequence) => [`edited ${sequence}`, ...(sequence === COUNT ? [] : [`unverifiable ${sequence + 1}`])],
  },
  {
    name: 'edits only the MAC',
    instead: (sequence) => [rewritten(sequence, { mac: other(log.entries[sequence - 1]?.mac ?? Buffer.alloc(32)) })],
    found: (sequence) => [`edited ${sequence}`],
  },
  {
    name: '[A-08] edits only what people read',
    instead: (_, line) => [line.replace('"category":"default"', '"category":"public"')],
    found: (sequence) => [`edited ${sequence}`],
  },
  {
    name: 'adds to what people read',
    instead: (_, line) => [line.replace('"entry"', '"note":"approved","entry"')],
    found: (sequence) => [`edited ${sequence}`],
  },
  {
    name: 'makes an entry unreadable',
    instead: (_, line) => [line.slice(0, 90)],
    found: (sequence) => [sequence === COUNT ? '' : `deleted ${sequence}`].filter(Boolean),
  },
  {
    name: 'deletes an entry',
    instead: () => [],
    found: (sequence) => [sequence === COUNT ? '' : `deleted ${sequence}`].filter(Boolean),
  },
  {
    name: 'writes an entry twice',
    instead: (_, line) => [line, line],
    found: (sequence) => [`duplicated ${sequence}`],
  },
  {
    name: 'writes another entry of the same number beside it',
    instead: (sequence, line) => [rewritten(sequence, {}, { principal: 'mallory' }), line],
    found: (sequence) => [`duplicated ${sequence}`],
  },
  {
    name: 'puts the entry of another segment in its place',
    instead: (sequence) => {
      const { bytes, mac } = sibling.entries[sequence - 1] ?? {};
      return [rewritten(sequence, { ...(bytes && { bytes }), ...(mac && { mac }) })];
    },
    // The entries of both are the same, so only the MAC is another one.
    found: (sequence) => [`edited ${sequence}`],
  },
  {
    name: 'puts an earlier entry in its place',
    instead: (sequence) => [lines[sequence - 1] ?? ''],
    found: (sequence) => [...(sequence === COUNT ? [] : [`deleted ${sequence}`]), `duplicated ${sequence - 1}`],
    not: [1],
  },
];

/** How far it is from one position to the next where each takes a verification of its own. */
const FAR = LONG ? 37 : 333;

/** Groups of positions that are attacked in one log. */
const groups: number[][] = Array.from({ length: LONG ? STRIDE : 1 }, (_, offset) =>
  Array.from({ length: COUNT / STRIDE }, (__, index) => index * STRIDE + offset + 1),
);

describe('whoever has no key', () => {
  it('changes nothing: then all is well', async () => {
    const report = await audit(store, lines);
    expect(report.findings).toEqual([]);
    expect(report.segments).toEqual([expect.objectContaining({ entries: COUNT, ended: false, end: log.chain.end })]);
    expect(report.notes).toEqual([expect.stringContaining('would look the same')]);
  });

  // T-AUDIT-02
  it.each(attacks)('$name: it is named, at each of 1,000 positions', async ({ instead, found, not = [] }) => {
    for (const group of groups) {
      const positions = group.filter((position) => !not.includes(position));
      const set = new Set(positions);
      const attacked = lines.flatMap((line, index) => (set.has(index) ? instead(index, line) : [line]));
      const expected = positions.flatMap(found).toSorted();
      expect(short(await audit(store, attacked)).toSorted()).toEqual(expected);
    }
  });

  it.each(attacks)('$name: nothing else is named', async ({ instead, found }) => {
    for (const position of LONG ? [2, 499, COUNT] : [499, COUNT]) {
      const attacked = lines.flatMap((line, index) => (index === position ? instead(index, line) : [line]));
      const report = await audit(store, attacked);
      expect(short(report).toSorted()).toEqual([...found(position)].toSorted());
      for (const { segment } of report.findings) expect(lines[0]).toContain(`"segment":"${segment}"`);
    }
  });

  it('swaps two entries: both are named, at each position', async () => {
    for (const group of groups) {
      const swapped = [...lines];
      const positions = group.filter((position) => position < COUNT);
      for (const at of positions) [swapped[at], swapped[at + 1]] = [lines[at + 1] ?? '', lines[at] ?? ''];
      const report = await audit(store, swapped);
      expect(short(report)).toEqual(positions.map((at) => `reordered ${at + 1}`));
      expect(report.findings[0]?.message).toBe(`entry ${(positions[0] ?? 0) + 1} stands before entry ${positions[0]}`);
    }
  });

  it(`moves an entry to the end, or to the beginning: the break is named, at each ${FAR}th position`, async () => {
    for (let at = 1; at <= COUNT; at += FAR) {
      const rest = lines.filter((_, index) => index !== at);
      const moved = lines[at] ?? '';
      expect(short(await audit(store, [...rest, moved]))).toEqual(at === COUNT ? [] : [`reordered ${at + 1}`]);
      const first = await audit(store, [...rest.slice(0, 1), moved, ...rest.slice(1)]);
      expect(short(first)).toEqual(at === 1 ? [] : [`reordered ${at}`]);
    }
  });

  it('puts entries of another store between, at each position', async () => {
    for (const group of groups) {
      const set = new Set(group);
      const spliced = lines.flatMap((line, index) =>
        set.has(index) ? [line, stranger.lines[index - 1] ?? ''] : [line],
      );
      const report = await audit(store, spliced);
      expect(short(report)).toEqual(['spliced']);
      expect(report.findings[0]?.line).toBe((group[0] ?? 0) + 2);
      expect(report.findings[0]?.message).toContain(`${group.length} entries of it are here`);
    }
    const whole = await audit(store, [...lines, stranger.header, ...stranger.lines]);
    expect(short(whole)).toEqual(['spliced', 'unverifiable']);
    expect(whole.findings[0]?.message).toBe('it is of another store');
  });

  it('puts entries of another segment of the store between: they are named as its duplicates, at each position', async () => {
    const { segment } = (await audit(store, [sibling.header])).segments[0] ?? {};
    for (const group of groups) {
      const set = new Set(group);
      const spliced = lines.flatMap((line, index) =>
        set.has(index) ? [sibling.lines[index - 1] ?? '', line] : [line],
      );
      const report = await audit(store, [sibling.header, ...sibling.lines, ...spliced]);
      expect(short(report)).toEqual(group.map((at) => `duplicated ${at}`));
      expect(new Set(report.findings.map((problem) => problem.segment))).toEqual(new Set([segment]));
    }
  });

  const ends = LONG ? groups : groups.map((group) => group.filter((_, at) => at % 10 === 0));

  it.each(ends)(
    `cuts the end: a head names what is missing, at %d and each ${LONG ? 'tenth' : 'hundredth'} position on`,
    async (...group) => {
      const heads = [log.chain.end];
      for (const first of group) {
        const report = await audit(store, lines.slice(0, first), { heads });
        expect(short(report)).toEqual([`cut ${first}${first === COUNT ? '' : `-${COUNT}`}`]);
      }
      const whole = await audit(store, lines, { heads });
      expect([whole.ok, whole.notes]).toEqual([true, [expect.stringContaining(`vouches for it up to entry ${COUNT}`)]]);
    },
  );

  it('cuts the end where nobody has a head: it is said that nobody can tell', async () => {
    const report = await audit(store, lines.slice(0, 501));
    expect(report.ok).toBe(true);
    expect(report.notes).toEqual([expect.stringContaining('no end after entry 500')]);
  });

  it('removes the header', async () => {
    expect(short(await audit(store, lines.slice(1)))).toEqual(['spliced']);
  });
});

describe('what is damaged beyond measure', () => {
  it('takes no longer for numbers that nobody can have written', async () => {
    const far = rewritten(1, { batch: Number.MAX_SAFE_INTEGER }, { sequence: Number.MAX_SAFE_INTEGER - 1 });
    const report = await audit(store, [...lines, far]);
    expect(report.findings).toEqual([expect.objectContaining({ kind: 'deleted', sequence: COUNT + 1 })]);
  });

  it('is given up after 500 places', async () => {
    const report = await audit(store, [log.header, ...log.lines.toReversed()]);
    expect(report.ok).toBe(false);
    expect(report.findings.some(({ message }) => message.includes('damaged in over 500 places'))).toBe(true);
  });

  it('is decoded strictly', () => {
    expect(decodeAuditEntry(log.entries[0]?.bytes ?? Buffer.alloc(0))).toEqual(log.entries[0]?.entry);
  });
});
