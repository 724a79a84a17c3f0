import type { RecordHeader } from '@securestore/core-format';
import { noId } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RetentionRules } from '../../../src/maintenance/gc/retention.ts';
import { forgettable, isForgettable, prunable } from '../../../src/maintenance/gc/retention.ts';
import { DAY, HOUR } from '../../support/collection.ts';

const NOW = Date.UTC(2026, 0, 1);

function rulesOf(versions: number, days: number): RetentionRules {
  return {
    history: { versions, days },
    now: NOW,
    gracePeriod: DAY,
    unreadSince: Number.POSITIVE_INFINITY,
    isOld: (modified) => NOW - modified >= DAY,
  };
}

function header(version: number, changes: Partial<RecordHeader> = {}): RecordHeader {
  const id = Buffer.alloc(16, 1);
  return {
    suite: 1,
    kind: 'object',
    lineage: id,
    nameId: id,
    categoryId: id,
    version,
    commitId: id,
    previousCommitId: id,
    generation: 1,
    ...changes,
  };
}

/** A current version that was numbered, and landed, so many hours ago. */
const current = (numbered: number, landed = numbered, changes: Partial<RecordHeader> = {}) => ({
  header: header(at(numbered) * 1000, changes),
  modified: at(landed),
});

const at = (hoursAgo: number): number => NOW - hoursAgo * HOUR;

/** The hours ago at which versions were made, newest first, the current one in front; all different. */
const ages = fc
  .uniqueArray(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 30 })
  .map((list) => list.toSorted((a, b) => a - b));

describe('retention', () => {
  it('keeps the newest versions and what was replaced not long ago, and nothing else', () => {
    fc.assert(
      fc.property(ages, fc.nat(12), fc.nat(60), (hours, versions, days) => {
        const [newest = 0, ...past] = hours;
        const goes = prunable(rulesOf(versions, days), current(newest));
        const keptFor = Math.max(days * 24, 24);
        for (const [index, age] of past.entries()) {
          // It was copied when it was replaced, by the version before it in this list.
          const replaced = hours[index] ?? 0;
          // The next one landed when it was made, and was copied when it was replaced itself.
          const settled = hours[Math.max(0, index - 1)] ?? 0;
          const expected = index >= versions && replaced >= keptFor && settled >= 24;
          expect(goes(at(age) * 1000, at(replaced)), `version ${index}`).toBe(expected);
        }
      }),
    );
  });

  it('counts from the replacing version where the copy was re-wrapped, but keeps it for the grace period', () => {
    const rules = rulesOf(0, 30);
    expect(prunable(rules, current(24 * 40))(at(24 * 50) * 1000, at(25))).toBe(true);
    expect(prunable(rules, current(24 * 40))(at(24 * 50) * 1000, at(23))).toBe(false);
  });

  it('keeps a version for the grace period after the next one has landed, however long before it was numbered', () => {
    expect(prunable(rulesOf(0, 0), current(46, 25))(at(70) * 1000, at(60))).toBe(true);
    expect(prunable(rulesOf(0, 0), current(46, 23))(at(70) * 1000, at(60))).toBe(false);
    // The next one is in the history itself.
    const goes = prunable(rulesOf(0, 0), current(23));
    expect(goes(at(46) * 1000, at(23))).toBe(false);
    expect(goes(at(70) * 1000, at(60))).toBe(false);
    expect(goes(at(80) * 1000, at(70))).toBe(true);
  });

  it('leaves the copy of what is current, and counts it as none', () => {
    const goes = prunable(rulesOf(1, 0), current(100));
    expect(goes(at(100) * 1000, at(50))).toBe(false);
    expect(goes(at(200) * 1000, at(100))).toBe(false);
    expect(goes(at(300) * 1000, at(200))).toBe(true);
  });

  it('goes by the age of the copies where there is no current record', () => {
    const goes = prunable(rulesOf(0, 2), undefined);
    expect(goes(at(100) * 1000, at(47))).toBe(false);
    expect(goes(at(200) * 1000, at(100))).toBe(true);
    expect(prunable(rulesOf(0, 2), undefined)(at(100) * 1000, at(49))).toBe(true);
  });

  it('never forgets a version that the floor of a pass does not cover', () => {
    const rules = rulesOf(0, 0);
    const ahead = forgettable(rules) + 1;
    expect(prunable(rules, { header: header(ahead + 5), modified: at(1000) })(ahead, at(1000))).toBe(false);
    expect(isForgettable(rules, header(ahead, { kind: 'tombstone' }), at(1000))).toBe(false);
  });

  it('lets go of everything before a purge', () => {
    const purged = current(30, 30, { kind: 'tombstone', previousCommitId: noId() });
    const { version } = purged.header;
    const goes = prunable(rulesOf(10, 30), purged, version);
    expect(goes(at(40) * 1000, at(20))).toBe(false);
    expect(goes(at(50) * 1000, at(25))).toBe(true);
    // A copy that is newer than the purge is none of it.
    expect(prunable(rulesOf(10, 30), purged, version)(at(29) * 1000, at(28))).toBe(false);
  });

  it('forgets a deletion after as many days as versions are kept, and not before the grace period', () => {
    const deleted = (hoursAgo: number): RecordHeader => header(at(hoursAgo) * 1000, { kind: 'tombstone' });
    expect(isForgettable(rulesOf(5, 3), deleted(71), at(71))).toBe(false);
    expect(isForgettable(rulesOf(5, 3), deleted(73), at(73))).toBe(true);
    expect(isForgettable(rulesOf(5, 3), deleted(73), at(23))).toBe(false);
    expect(isForgettable(rulesOf(0, 0), deleted(23), at(23))).toBe(false);
    expect(isForgettable(rulesOf(0, 0), deleted(25), at(25))).toBe(true);
  });
});
