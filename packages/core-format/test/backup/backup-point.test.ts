import { describe, expect, it } from 'vitest';
import type { IndexPage, Point } from '../../src/index.ts';
import { decodePoint, encodePoint, MAX_POINT_BYTES, MAX_TIME } from '../../src/index.ts';
import { points } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const MAX = Number.MAX_SAFE_INTEGER;

const page = (firstToken: string, more: Partial<IndexPage> = {}): IndexPage => ({
  firstToken,
  epoch: 3,
  digest: Buffer.alloc(32, 3),
  count: 1,
  ...more,
});

const totals = { objects: 1, deleted: 0, versions: 1, bytes: 300 };

const snapshot: Point = {
  number: 5,
  previous: Buffer.alloc(32, 1),
  instance: Buffer.alloc(16, 2),
  generation: 7,
  time: 1_700_000_000_000,
  skew: 100,
  made: 1_700_000_000_001,
  kind: 'snapshot',
  base: 5,
  gap: false,
  collects: false,
  label: '',
  history: { versions: 10, days: 30 },
  removed: [],
  totals,
  added: { versions: 1, bytes: 300 },
  pages: [page('a')],
  others: [],
};

/** Where the parts of a point are. */
const NUMBER = 1;
const PREVIOUS = NUMBER + 8;
const TIME = PREVIOUS + 32 + 16 + 8;
const KIND = TIME + 8 + 4 + 8;
const BASE = KIND + 1;
const FLAGS = BASE + 8;
const LABEL = FLAGS + 1;
/** With an empty label. */
const REMOVED = LABEL + 1 + 8;
const TOTALS = REMOVED + 4;
const PAGES = TOTALS + 32 + 16;
const PAGE = PAGES + 4;

const refused = (code: string): unknown => expect.objectContaining({ code });
const itRefuses = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodePoint(bytes)).toThrow(refused(code));
};
/** A point with its bytes changed, since no encoder makes it. */
const itRefusesChanged = (change: (bytes: Buffer) => unknown, point: Partial<Point> = {}): void => {
  const bytes = Buffer.from(encodePoint({ ...snapshot, ...point }));
  decodePoint(bytes);
  change(bytes);
  itRefuses(bytes);
};
const itTakes = (more: Partial<Point>): void => {
  const point = { ...snapshot, ...more };
  expect(decodePoint(encodePoint(point))).toEqual(point);
};
const itNeverMakes = (more: Partial<Point>): void => {
  expect(() => encodePoint({ ...snapshot, ...more })).toThrow(RangeError);
};
/** What is refused of what was made. */
const itRefusesMade = (more: Partial<Point>): void => itRefuses(encodePoint({ ...snapshot, ...more }));

const u53 = (bytes: Buffer, at: number, value: number): number => bytes.writeBigUInt64BE(BigInt(value), at);

describe('a point of a backup', () => {
  itObeysTheCodecLaws({ values: points, encode: encodePoint, decode: decodePoint });

  it('[P-02] [P-10] is numbered from 1, and only the first one follows no other', () => {
    const first = { number: 1, base: 1, previous: Buffer.alloc(32), pages: [page('a', { epoch: 1 })] };
    itTakes(first);
    itNeverMakes({ ...first, number: 0, base: 0 });
    itNeverMakes({ number: 0, base: 0, pages: [], totals: { ...totals, objects: 0, versions: 0 } });
    itNeverMakes({ ...first, previous: Buffer.alloc(32, 1) });
    itNeverMakes({ previous: Buffer.alloc(32) });
    itRefusesChanged((bytes) => bytes.fill(0, PREVIOUS, PREVIOUS + 32));
    itRefusesChanged((bytes) => bytes.writeUInt8(1, PREVIOUS), first);
    itRefusesChanged((bytes) => bytes.fill(0, NUMBER, NUMBER + 8));
  });

  it('[P-10] is of a known kind, and builds on itself or, where it has changes, on an earlier one', () => {
    const changes = { kind: 'changes', base: 4 } as const;
    itTakes(changes);
    itTakes({ ...changes, base: 1 });
    for (const base of [0, 5, 6]) itNeverMakes({ ...changes, base });
    for (const base of [4, 6]) itNeverMakes({ base });
    for (const base of [0, 5, 6]) itRefusesChanged((bytes) => u53(bytes, BASE, base), changes);
    for (const base of [4, 6]) itRefusesChanged((bytes) => u53(bytes, BASE, base));
    for (const kind of [0, 3, 255]) {
      itRefusesChanged((bytes) => bytes.writeUInt8(kind, KIND));
      itRefusesChanged((bytes) => bytes.writeUInt8(kind, KIND), changes);
    }
  });

  it('[P-11] has flags that are known, and a label of at most 128 bytes', () => {
    for (const gap of [false, true]) for (const collects of [false, true]) itTakes({ gap, collects });
    for (const flags of [4, 5, 128]) itRefusesChanged((bytes) => bytes.writeUInt8(flags, FLAGS));
    itTakes({ label: 'ä'.repeat(64) });
    itNeverMakes({ label: `${'ä'.repeat(64)}a` });
    const long = encodePoint({ ...snapshot, label: 'a'.repeat(128) });
    const longer = Buffer.concat([long.subarray(0, LABEL + 1), Buffer.from('a'), long.subarray(LABEL + 1)]);
    longer.writeUInt8(129, LABEL);
    itRefuses(longer);
  });

  it('[P-11] tells of removed points before it in ranges that are in order and do not touch', () => {
    itTakes({
      removed: [
        { from: 1, to: 2 },
        { from: 4, to: 4 },
      ],
    });
    for (const removed of [
      [{ from: 0, to: 1 }],
      [{ from: 2, to: 1 }],
      [{ from: 4, to: 5 }],
      [
        { from: 3, to: 3 },
        { from: 1, to: 1 },
      ],
      [
        { from: 1, to: 1 },
        { from: 2, to: 2 },
      ],
      [
        { from: 1, to: 2 },
        { from: 2, to: 3 },
      ],
    ]) {
      itRefusesMade({ removed });
    }
  });

  it('[P-11] names pages in the order of their first tokens, several of one token too, and none without entries', () => {
    const pages = [page('a'), page('a', { digest: Buffer.alloc(32, 9) }), page('b', { count: 3 })];
    itTakes({ pages, totals: { ...totals, versions: 5 } });
    itTakes({ others: [page('a/x'), page('a/y')] });
    itRefusesMade({ pages: [page('b'), page('a')], totals: { ...totals, versions: 2 } });
    itRefusesMade({ others: [page('b'), page('a')] });
    itRefusesMade({ others: [page('a', { count: 0 })] });
    for (const token of ['', 'A', 'a'.repeat(641)]) itRefusesMade({ pages: [page(token)] });
    itTakes({ pages: [page('a'.repeat(640))] });
  });

  it('[P-02] names pages of runs up to its own', () => {
    for (const epoch of [1, 5]) itTakes({ pages: [page('a', { epoch })] });
    for (const epoch of [0, 6]) {
      itNeverMakes({ pages: [page('a', { epoch })] });
      itNeverMakes({ others: [page('a', { epoch })] });
      itRefusesChanged((bytes) => u53(bytes, PAGE + 3, epoch));
    }
  });

  it('[P-12] has totals that agree with each other and with its pages', () => {
    itTakes({ pages: [page('a', { count: 3 })], totals: { ...totals, objects: 2, deleted: 1, versions: 3 } });
    itTakes({ pages: [], totals: { objects: 0, deleted: 0, versions: 0, bytes: 0 } });
    itTakes({ kind: 'changes', base: 4, totals: { ...totals, versions: 9 } });
    itNeverMakes({ totals: { ...totals, objects: 1, deleted: 1 } });
    itNeverMakes({ kind: 'changes', base: 4, totals: { ...totals, objects: MAX, deleted: MAX } });
    for (const versions of [0, 2]) {
      itNeverMakes({ totals: { ...totals, objects: 0, versions } });
      itRefusesChanged((bytes) => u53(bytes, TOTALS + 16, versions), { totals: { ...totals, objects: 0 } });
    }
    itRefusesChanged((bytes) => u53(bytes, TOTALS, 2));
  });

  it('[G-08] [G-09] has times and numbers that can be', () => {
    itRefusesMade({ time: MAX_TIME + 1 });
    itRefusesMade({ made: MAX_TIME + 1 });
    itRefusesChanged((bytes) => bytes.writeBigUInt64BE(2n ** 53n, NUMBER));
  });

  it('[P-09] has at most 16 MiB, and is not made longer', () => {
    const long = 'a'.repeat(640);
    const count = Math.floor((MAX_POINT_BYTES - encodePoint(snapshot).length) / 686) + 1;
    const others = Array.from({ length: count }, () => page(long));
    expect(() => encodePoint({ ...snapshot, others })).toThrow(refused('TOO_LARGE'));
    const bytes = encodePoint({ ...snapshot, others: others.slice(0, -1) });
    expect(decodePoint(bytes).others).toHaveLength(count - 1);
    const longer = Buffer.concat([bytes, bytes.subarray(-686)]);
    longer.writeUInt32BE(count, bytes.length - (count - 1) * 686 - 4);
    itRefuses(longer);
  });

  it('[P-03] of another format version is FORMAT_VERSION', () => {
    const bytes = encodePoint(snapshot);
    bytes.writeUInt8(2, 0);
    itRefuses(bytes, 'FORMAT_VERSION');
  });

  it('is refused at once with numbers of ranges and pages that it can not have', () => {
    itRefusesChanged((bytes) => bytes.writeUInt32BE(0xffff_ffff, REMOVED));
    itRefusesChanged((bytes) => bytes.writeUInt32BE(0xffff_ffff, PAGES));
  });
});
