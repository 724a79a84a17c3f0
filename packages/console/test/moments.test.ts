import type { WireRestoreReport, WireTimeline } from '@securestore/protocol';
import { describe, expect, it } from 'vitest';
import {
  ago,
  bytes,
  counted,
  duration,
  localTime,
  parseTime,
  split,
  withLocalTimes,
  zoneOf,
} from '../src/pages/lib/format.ts';
import type { Conflict } from '../src/pages/lib/draft-types.ts';
import { boundsOf, gapsOf, meantBy, undoingIn, windowsOf } from '../src/pages/lib/recovery.ts';
import { marksOf, within, zoomed } from '../src/pages/lib/scale.ts';
import { verdictOf } from '../src/pages/lib/verdict.ts';

const HOUR = 3_600_000;
const NOON: number = Date.parse('2026-11-27T12:00:00Z');

const at = (hours: number): string => new Date(NOON + hours * HOUR).toISOString();

/** Two hours of a continuous backup, a gap of three, and one snapshot an hour ago. */
const TIMELINE: WireTimeline = {
  destination: 'file:/backup',
  now: at(0),
  recoverableTo: at(-1),
  newest: { snapshot: 9, time: at(-1) },
  lag: HOUR,
  isContinuous: false,
  windows: [
    { from: at(-1), to: at(-1), recoveryPoints: 1 },
    { from: at(-6), to: at(-4), recoveryPoints: 120 },
  ],
  snapshots: [],
  damaged: [],
};

describe('a time that somebody writes', () => {
  it('is by their clock, or by UTC where it says so', () => {
    expect(parseTime('2026-11-27 14:03:22')?.getTime()).toBe(new Date(2026, 10, 27, 14, 3, 22).getTime());
    expect(parseTime(' 2026-11-27T14:03 ')?.getTime()).toBe(new Date(2026, 10, 27, 14, 3).getTime());
    for (const text of [
      '2026-11-27T14:03:22Z',
      '2026-11-27 14:03:22 UTC',
      '2026-11-27 15:03:22+01:00',
      '2026-11-27 14:03:22.000z',
    ]) {
      expect(parseTime(text)?.toISOString()).toBe('2026-11-27T14:03:22.000Z');
    }
  });

  it.each(['', 'yesterday', '14:03', '2026-13-01 10:00', '27.11.2026 14:03', '2026-11-27 14:03 CET'])(
    'is refused where it is none: %j',
    (text) => {
      expect(parseTime(text)).toBeUndefined();
    },
  );
});

describe('a time that the server writes', () => {
  it('is shown by the clock of whoever looks, and what is none as it is', () => {
    const time = new Date('2026-11-27T01:30:00.000Z');
    expect(withLocalTimes('due at 2026-11-27T01:30:00.000Z, 6 h ago')).toBe(
      `due at ${localTime(time)} ${zoneOf(time)}, 6 h ago`,
    );
    for (const text of ['no time', '2026-99-27T01:30:00Z', '2026-11-27']) expect(withLocalTimes(text)).toBe(text);
  });
});

describe('a plan', () => {
  const NOTHING = { created: 0, replaced: 0, renamed: 0, deleted: 0, skipped: 0, failed: [] } as const;
  const comesTo = (counts: object, conflict: Conflict): string =>
    verdictOf({ ...NOTHING, ...counts } as unknown as WireRestoreReport, { conflict });

  it('changes something, or not, stops, or can restore nothing', () => {
    expect(comesTo({}, 'overwrite')).toBe('nothing');
    expect(comesTo({ skipped: 2 }, 'skip')).toBe('nothing');
    expect(comesTo({ created: 5, skipped: 1 }, 'fail')).toBe('stops');
    expect(comesTo({ failed: [{ key: 'a', code: 'INTEGRITY', message: '' }] }, 'overwrite')).toBe('fails');
    for (const kind of ['created', 'replaced', 'renamed', 'deleted'])
      expect(comesTo({ [kind]: 1 }, 'overwrite')).toBe('changes');
  });
});

describe('a moment', () => {
  it('is the newest where none is chosen', () => {
    expect(meantBy(TIMELINE, {})).toEqual({ time: NOON - HOUR, isEarlier: false });
    expect(undoingIn(TIMELINE)).toBeUndefined();
  });

  it('is by default what is newest but for what undoes a restore, which is told', () => {
    const undoing: WireTimeline['snapshots'][number] = {
      number: 10,
      time: at(-1),
      made: at(-1),
      kind: 'snapshot',
      label: 'before a restore of snapshot 9',
      objects: 1,
      versions: 1,
      bytes: 1,
      copied: 1,
    };
    const timeline: WireTimeline = { ...TIMELINE, newest: { snapshot: 9, time: at(-2) }, snapshots: [undoing] };
    expect(meantBy(timeline, {})).toEqual({ time: NOON - 2 * HOUR, isEarlier: false });
    expect(undoingIn(timeline)).toBe(undoing);
    expect(meantBy(timeline, { snapshot: 10 })?.time).toBe(NOON - HOUR);
  });

  it('is what was asked for within a window', () => {
    expect(meantBy(TIMELINE, { at: at(-5) })).toEqual({ time: NOON - 5 * HOUR, isEarlier: false });
  });

  it('is the end of the window before where it is in a gap, or after the end', () => {
    expect(meantBy(TIMELINE, { at: at(-2) })).toEqual({ time: NOON - 4 * HOUR, isEarlier: true });
    expect(meantBy(TIMELINE, { at: at(0) })).toEqual({ time: NOON - HOUR, isEarlier: true });
  });

  it('is none before everything that there is', () => {
    expect(meantBy(TIMELINE, { at: at(-7) })).toBeUndefined();
    const { newest: _, ...nothing } = TIMELINE;
    expect(meantBy({ ...nothing, windows: [] }, {})).toBeUndefined();
  });
});

describe('the timeline', () => {
  it('has a gap between each two windows, and room around all of it', () => {
    expect(gapsOf(windowsOf(TIMELINE))).toEqual([{ from: NOON - 4 * HOUR, to: NOON - HOUR }]);
    const { from, to } = boundsOf(TIMELINE);
    expect(from).toBeLessThan(NOON - 6 * HOUR);
    expect(to).toBeGreaterThan(NOON);
  });

  it('is marked at round times, in any length', () => {
    for (const length of [10_000, HOUR, 24 * HOUR, 400 * 24 * HOUR]) {
      const marks = marksOf({ from: NOON - length, to: NOON }, 900);
      expect(marks.length).toBeGreaterThan(0);
      expect(marks.length).toBeLessThanOrEqual(10);
      expect(new Set(marks.map(({ time }) => time)).size).toBe(marks.length);
    }
  });

  it('is zoomed around a time that stays where it is, and never beyond its bounds', () => {
    const bounds = { from: NOON - 10 * HOUR, to: NOON };
    const near = zoomed(bounds, 0.5, NOON - 5 * HOUR, bounds);
    expect(near).toEqual({ from: NOON - 7.5 * HOUR, to: NOON - 2.5 * HOUR });
    expect(zoomed(near, 100, NOON, bounds)).toEqual(bounds);
    expect(within({ from: NOON - HOUR, to: NOON + HOUR }, bounds)).toEqual({ from: NOON - 2 * HOUR, to: NOON });
  });
});

describe('numbers', () => {
  it('are in words as people say them', () => {
    expect([1, 1023, 1024, 1_234_567, 20_480].map(bytes)).toEqual([
      '1 byte',
      '1,023 bytes',
      '1.0 KiB',
      '1.2 MiB',
      '20 KiB',
    ]);
    expect([0, 840, 4200, 61_000, 3 * HOUR, 51 * HOUR].map(duration)).toEqual([
      '0 ms',
      '0.8 s',
      '4.2 s',
      '1 min 1 s',
      '3 h',
      '2 d 3 h',
    ]);
    expect([counted(1, 'key'), counted(2500, 'key')]).toEqual(['1 key', '2,500 keys']);
    expect([ago(NOON - 1000, NOON), ago(NOON - 61_000, NOON), ago(NOON + HOUR, NOON)]).toEqual([
      'just now',
      '1 min ago',
      'in 1 h',
    ]);
  });
});

describe('a long name', () => {
  it('is cut so that its end is seen, and never within a character', () => {
    expect(split('short')).toEqual(['short', '']);
    for (const name of ['x'.repeat(100), `${'a'.repeat(50)}${'🔐'.repeat(20)}`]) {
      const [head, tail] = split(name);
      expect(head + tail).toBe(name);
      expect([head.isWellFormed(), tail.isWellFormed()]).toEqual([true, true]);
    }
  });
});
