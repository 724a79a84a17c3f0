import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScrubProgress } from '../../src/verify/rolling/scrub-progress.ts';
import {
  checkedSince,
  decodeChecked,
  encodeChecked,
  MAX_FAILED,
  nothingChecked,
  RANGES,
  withRun,
} from '../../src/verify/rolling/scrub-progress.ts';
import { sliceOf } from '../../src/verify/rolling/scrub-slice.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

interface Ran {
  readonly checked: ScrubProgress;
  readonly read: readonly number[];
  readonly bytes: number;
}

/** A run that reads what is due, as a real one does. @param killAfter it is killed when it has read so many ranges */
function ranAt(
  checked: ScrubProgress,
  weights: readonly number[],
  {
    now,
    within,
    took = 0,
    turn = 0,
    killAfter = Infinity,
  }: Record<'now' | 'within', number> & {
    readonly took?: number;
    readonly turn?: number;
    readonly killAfter?: number;
  },
): Ran {
  const share = sliceOf(checked, weights, { now, within, turn });
  const times = [...checked.times];
  const read: number[] = [];
  let bytes = 0;
  for (const range of share.order) {
    if (!share.mustEnd(range) && bytes >= share.bytes) break;
    if (read.length >= killAfter) return { checked: { ...checked, times }, read, bytes };
    times[range] = now;
    bytes += weights[range] ?? 0;
    read.push(range);
  }
  return { checked: { ...checked, times, runs: withRun(checked.runs, now + took) }, read, bytes };
}

const weightsOf = fc.array(fc.oneof(fc.constant(0), fc.nat(1000), fc.constant(1_000_000)), {
  minLength: RANGES,
  maxLength: RANGES,
});

describe('the share that is due', () => {
  it('leaves no byte unread for longer than was said, whatever is killed in between', () => {
    const runs = fc.array(
      fc.record({
        late: fc.nat(2 * HOUR),
        took: fc.nat(2 * HOUR),
        kills: fc.array(fc.nat(RANGES), { maxLength: 3 }),
        turn: fc.nat(RANGES - 1),
      }),
      { minLength: 10, maxLength: 80 },
    );
    fc.assert(
      fc.property(weightsOf, runs, fc.integer({ min: 4, max: 40 }), (weights, planned, days) => {
        const within = days * DAY;
        let checked = nothingChecked(START);
        for (const [day, { late, took, kills, turn }] of planned.entries()) {
          const now = START + day * DAY + late;
          for (const killAfter of kills) ({ checked } = ranAt(checked, weights, { now, within, turn, killAfter }));
          const before = checked;
          ({ checked } = ranAt(checked, weights, { now, within, took, turn }));
          for (const time of before.times) expect(now + took - Math.max(time, START)).toBeLessThanOrEqual(within);
        }
        if (planned.length > days) expect(checkedSince(checked)).toBeGreaterThan(0);
      }),
      { numRuns: sized({ short: 20, full: 60, torture: 60 }) },
    );
  });

  it('is about the same for every run', () => {
    const weights = Array.from({ length: RANGES }, () => 1000);
    const sizes: number[] = [];
    let checked = nothingChecked(START);
    for (let day = 0; day < 120; day++) {
      const ran = ranAt(checked, weights, { now: START + day * DAY, within: 30 * DAY, turn: (day * 37) % RANGES });
      ({ checked } = ran);
      sizes.push(ran.read.length);
    }
    // 256 ranges in 28 days: two days are held back for a run that comes late or takes long.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(11);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(9);
  });

  it('begins with what was not read for the longest time', () => {
    const weights = Array.from({ length: RANGES }, () => 1);
    const times = Array.from({ length: RANGES }, (_, range) => START + ((range * 101) % RANGES) * 1000);
    const checked = { ...nothingChecked(START), times, runs: [START + HOUR] };
    const { order } = sliceOf(checked, weights, { now: START + DAY, within: 30 * DAY, turn: 5 });
    const ordered = order.map((range) => times[range] ?? 0);
    expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
    expect(ordered.length).toBe(RANGES);
  });

  it('is greater where runs were missed', () => {
    const weights = Array.from({ length: RANGES }, () => 1);
    const checked = { ...nothingChecked(START), runs: [START] };
    const after = (pause: number): number =>
      ranAt(checked, weights, { now: START + pause, within: 40 * DAY }).read.length;
    expect(after(DAY)).toBeLessThan(8);
    expect(after(8 * DAY)).toBeGreaterThan(50);
    expect(after(20 * DAY)).toBe(RANGES);
  });

  it('is everything where runs are too rare for shares', () => {
    const weights = Array.from({ length: RANGES }, () => 1);
    const first = ranAt(nothingChecked(START), weights, { now: START, within: 2 * DAY });
    expect(first.read.length).toBe(RANGES);
    const second = ranAt(first.checked, weights, { now: START + DAY, within: 2 * DAY });
    expect(second.read.length).toBe(RANGES);
  });

  it('is not begun anew by a run that goes on after one that was killed', () => {
    const weights = Array.from({ length: RANGES }, () => 1);
    const killed = ranAt(nothingChecked(START), weights, { now: START, within: 2 * DAY, killAfter: 200 });
    const next = ranAt(killed.checked, weights, { now: START + HOUR, within: 2 * DAY });
    expect(next.read.length).toBe(RANGES - 200);
  });

  it('begins elsewhere each time where nothing is remembered', () => {
    const weights = Array.from({ length: RANGES }, () => 1);
    const firstOf = (turn: number): number | undefined =>
      sliceOf(nothingChecked(START), weights, { now: START, within: 30 * DAY, turn }).order[0];
    expect(new Set([0, 1, 100].map(firstOf)).size).toBe(3);
  });
});

describe('what is remembered', () => {
  const full: ScrubProgress = {
    times: Array.from({ length: RANGES }, (_, range) => START + range),
    started: START,
    runs: [START, START + DAY],
    cursor: { range: 3, since: START, unit: 'd/x', steps: 1 },
    failed: [{ name: 'd/x', since: START }],
  };
  const now = START + 2 * DAY;

  it('comes back as it was', () => {
    expect(decodeChecked(encodeChecked(full), now)).toEqual(full);
  });

  it('has a size that is bounded', () => {
    const failed = Array.from({ length: MAX_FAILED }, (_, at) => ({ name: `b/${'0'.repeat(90)}${at}`, since: START }));
    expect(encodeChecked({ ...full, failed }).length).toBeLessThan(24 * 1024);
  });

  it('counts for nothing where it is of later than now', () => {
    const later = { ...full, times: full.times.with(7, now + DAY), runs: [START, now + DAY] };
    const decoded = decodeChecked(
      encodeChecked({ ...later, cursor: { range: 3, unit: 'd/x', steps: 1, since: now + DAY } }),
      now,
    );
    expect(decoded).toMatchObject({ runs: [START] });
    expect([decoded?.times[7], decoded?.times[8], decoded?.cursor]).toEqual([0, START + 8, undefined]);
  });

  it.each([
    ['no text', Buffer.from([0xff])],
    ['another version', encodeChecked({ ...full, version: 2 } as ScrubProgress)],
    ['too few ranges', encodeChecked({ ...full, times: full.times.slice(1) })],
    ['a time that is none', encodeChecked({ ...full, times: full.times.with(0, -1) })],
    ['more that is wrong than is kept', encodeChecked({ ...full, failed: Array(MAX_FAILED + 1).fill(full.failed[0]) })],
    ['a name that is none', encodeChecked({ ...full, failed: [{ name: 'x'.repeat(1000), since: START }] })],
  ])('is nothing with %s', (_, bytes) => {
    expect(decodeChecked(bytes, now)).toBeUndefined();
  });

  it('says since when a byte may not have been read', () => {
    expect(checkedSince(full)).toBe(START);
    expect(checkedSince({ ...full, failed: [{ name: 'd/x', since: START - 1 }] })).toBe(START - 1);
    expect(checkedSince(nothingChecked(START))).toBe(0);
  });
});
