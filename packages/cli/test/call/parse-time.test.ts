import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pointOf } from '../../src/backup/point-choice.ts';
import { parseExpiry, parseMoment, parseRolling, parseSince, parseDurationWithin } from '../../src/call/parse-time.ts';

const NOW = new Date('2026-11-24T12:00:00Z');

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return SecureStoreError.is(error) ? error.code : String(error);
  }
  return undefined;
}

describe('parseMoment', () => {
  it.each([
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T10:20Z', '2026-11-01T10:20:00.000Z'],
    ['2026-11-01T10:20:30.5+02:00', '2026-11-01T08:20:30.500Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['0', '1970-01-01T00:00:00.000Z'],
    ['1700000000', '2023-11-14T22:13:20.000Z'],
    ['1700000000000', '2023-11-14T22:13:20.000Z'],
  ])('reads %s', (text, expected) => {
    expect(parseMoment('--at', text).toISOString()).toBe(expected);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30',
    '2025-02-29T00:00:00Z',
    '2026-13-01',
    '2026-11-01T25:00Z',
    '-1',
    '1e9',
    '30d',
    '24.11.2026',
    '99999999999999999999',
    '9999999999999999',
    '1'.repeat(100_000),
  ])('refuses %s', (text) => {
    expect(codeOf(() => parseMoment('--at', text))).toBe('INVALID_ARGUMENT');
  });

  it('reads back every moment as ISO 8601 and as milliseconds', () => {
    const moments = fc.date({ min: new Date('1974-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(moments, (moment) => {
        expect(parseMoment('--at', moment.toISOString())).toEqual(moment);
        expect(parseMoment('--at', String(moment.getTime()))).toEqual(moment);
      }),
    );
  });
});

describe('parseExpiry', () => {
  it.each([
    ['90s', '2026-11-24T12:01:30.000Z'],
    ['15m', '2026-11-24T12:15:00.000Z'],
    ['12h', '2026-11-25T00:00:00.000Z'],
    ['30d', '2026-12-24T12:00:00.000Z'],
    ['4w', '2026-12-22T12:00:00.000Z'],
    ['2027-01-01', '2027-01-01T00:00:00.000Z'],
  ])('reads %s from now', (text, expected) => {
    expect(parseExpiry('--expires', text, NOW).toISOString()).toBe(expected);
  });

  it.each(['0s', '2020-01-01', '5', '999999999w', '1y', '-1d', '1.5h', 'd', ''])('refuses %s', (text) => {
    expect(codeOf(() => parseExpiry('--expires', text, NOW))).toBe('INVALID_ARGUMENT');
  });
});

describe('the time of a recovery point', () => {
  const call = { cli: { now: () => NOW } } as Parameters<typeof pointOf>[0];

  it.each([
    ['24h', '2026-11-23T12:00:00.000Z'],
    ['7d', '2026-11-17T12:00:00.000Z'],
    ['2026-11-01T10:20:30Z', '2026-11-01T10:20:30.999Z'],
  ])('reads %s', (at, expected) => {
    expect(pointOf(call, { at }).at?.toISOString()).toBe(expected);
  });

  it('is absolute in a request for approval, which a later command must match', () => {
    expect(codeOf(() => pointOf(call, { at: '24h', ask: 'reason' }))).toBe('INVALID_ARGUMENT');
    expect(pointOf(call, { at: '2026-11-01', ask: 'reason' })).toEqual({ at: new Date('2026-11-01') });
  });

  it('is refused with the forms that it takes', () => {
    expect(() => parseSince('--at', 'yesterday', NOW)).toThrow(
      '--at must be a time such as 2026-11-24T15:00:00Z, or how long ago, such as 24h or 7d, got "yesterday"',
    );
  });
});

describe('parseDurationWithin', () => {
  const limits = { from: '1s', to: '1d' };

  it.each([
    ['1s', 1000],
    ['24h', 86_400_000],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDurationWithin('--x', text, limits)).toBe(milliseconds);
  });

  it.each(['0s', '25h', '86401s'])('names the limits in the units that a person types for %s', (text) => {
    expect(() => parseDurationWithin('--x', text, limits)).toThrow(
      `--x must be a length of time from 1s to 1d, got "${text}"`,
    );
  });
});

describe('parseRolling', () => {
  it.each([
    ['1h', 3_600_000],
    ['30d', 30 * 86_400_000],
    ['3660d', 3660 * 86_400_000],
  ])('reads %s', (text, milliseconds) => {
    expect(parseRolling(text)).toBe(milliseconds);
  });

  it.each(['59m', '3661d'])('names the limits in the units of the command line for %s', (text) => {
    expect(() => parseRolling(text)).toThrow(`--rolling must be a length of time from 1h to 3660d, got "${text}"`);
  });
});
