import { bytesFrom, derive, drop, flip, set } from '../make/bytes.ts';
import type { Change } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import type { Unlock } from '../make/secrets.ts';
import { printedShare, SECRETS, share, UNLOCKS } from '../make/secrets.ts';

/** Shares of it have the set and the numbers of the right ones, as those have that somebody makes up who holds one. */
export const ANOTHER: Buffer = bytesFrom('another secret', 32);

const given = (
  name: string,
  description: string,
  texts: readonly (string | undefined)[],
  expect: Case['expect'] = 'INVALID_ARGUMENT',
  rule = 'S-13',
): Case => ({
  name: `shares: ${name}`,
  description,
  ...(expect === 'ok' ? {} : { rule }),
  unlock: { method: 'shares', texts: texts.map((text) => text ?? '') },
  action: OPEN,
  expect,
});

/** The second share, which says something else of its set. */
const altered = (at: number, bytes: Buffer): string =>
  printedShare(set(at, bytes)(share(2), new Map()) ?? Buffer.alloc(0));
const numbered = (threshold: number, count: number): string => altered(4, Buffer.from([threshold, count]));

function handedIn(): Case[] {
  const [first, second, third] = [1, 2, 3].map((x) => printedShare(share(x)));
  return [
    given('the other two', 'Two other shares of the three, in another order.', [third, second], 'ok'),
    given('all', 'All shares are given.', [second, third, first], 'ok'),
    given('too few', 'One of the two shares that are needed.', [first]),
    given('twice', 'One share is given twice.', [first, first]),
    given('of another set', 'A share is of another set.', [first, altered(0, bytesFrom('another set', 4))]),
    given('none', 'No share is given.', []),
  ];
}

/** Shares among which are some that nobody was given when the set was made. */
function madeUp(): Case[] {
  const [first, second, third] = [1, 2, 3].map((x) => printedShare(share(x)));
  const [other, another] = [2, 3].map((x) => printedShare(share(x, ANOTHER)));
  const forged = (name: string, description: string, texts: readonly (string | undefined)[]): Case =>
    given(name, `${description} Its check digits are right.`, texts, 'UNLOCK_FAILED', 'S-14');
  return [
    forged('forged', 'The second of the two shares was made up.', [first, other]),
    forged('forged first', 'The first of the two shares was made up.', [another, second]),
    forged('two of three forged', 'The second and third of the three shares were made up.', [first, other, another]),
    given('one of three forged', 'A share was made up, and two others are enough.', [first, other, third], 'ok'),
    given('one of three forged, first', 'The same, where it is the first.', [another, second, first], 'ok'),
    given('of 0', 'A share is said to be the value at 0.', [first, printedShare(share(0))]),
    given('of 4', 'A share is said to be the fourth of three.', [first, printedShare(share(4))]),
    given('that are enough alone', 'Shares are said to be one of three that is needed.', [numbered(1, 3)]),
    given('that can never be enough', 'Shares are said to be three of two that are needed.', [numbered(3, 2)]),
    given(
      'of a set of other numbers',
      'All shares are said to be of four.',
      [1, 2].map((x) => printedShare(share(x, SECRETS.shares, { threshold: 2, count: 4 }))),
      'UNLOCK_FAILED',
      'S-14',
    ),
    given('of other numbers', 'A share is said to be one of four.', [first, numbered(2, 4)]),
  ];
}

/** Where the share tag of a share begins in its slot. */
const tagAt = (x: number): number => 75 + (x - 1) * 8;

const plantTag: Change = (slot, objects) =>
  set(tagAt(3), derive(slot.subarray(57, 73), 'share tag', share(3, ANOTHER)).subarray(0, 8))(slot, objects);

/** A slot with one fault; its shares 1 and 3 are given. */
function test(
  name: string,
  description: string,
  stage: string,
  change: Change,
  expect: Case['expect'],
  more = {},
): Case {
  return caseOf(OPEN)(`shares: ${name}`, description, stage, change, expect, { unlock: UNLOCKS.shares, ...more });
}

function faultySlots(): Case[] {
  const all: Unlock = { method: 'shares', texts: [1, 2, 3].map((x) => printedShare(share(x))) };
  const [fields, slot] = ['fields of slot shares', 'slot shares'];
  return [
    test('one is needed', 'One share is said to be needed.', fields, set(73, 1), 'INTEGRITY', {
      rule: 'S-06',
    }),
    test(
      'more are needed than there are',
      'Four of three shares are said to be needed.',
      fields,
      set(73, 4),
      'INTEGRITY',
      { rule: 'S-06' },
    ),
    test('tag of a share', 'The slot is bound with another tag of share 3.', fields, flip(tagAt(3)), 'UNLOCK_FAILED', {
      rule: 'S-14',
    }),
    test('tag of one of three', 'The same, and three shares are given.', fields, flip(tagAt(3)), 'ok', {
      unlock: all,
    }),
    test('last bit of a tag', 'The same, in its last bit.', fields, flip(tagAt(4) - 1), 'UNLOCK_FAILED', {
      rule: 'S-14',
    }),
    test('tag of a share that is not given', 'The slot is bound with another tag.', fields, flip(tagAt(2)), 'ok'),
    test(
      'planted tag',
      'The tag of a share that is not given is replaced, in a head that is signed anew: so the slot is not bound.',
      slot,
      flip(tagAt(2)),
      'UNLOCK_FAILED',
      { rule: 'S-03' },
    ),
    test(
      'planted tag of a forged share',
      'The tag is that of a share that was made up, one of the three that are given, in a head that is signed anew.',
      slot,
      plantTag,
      'UNLOCK_FAILED',
      { rule: 'S-03', unlock: { method: 'shares', texts: [share(1), share(3, ANOTHER), share(2)].map(printedShare) } },
    ),
    test('tags cut off', 'There are no share tags.', fields, drop(75, 24), 'INTEGRITY', { rule: 'S-12' }),
    test('a tag too few', 'There are two share tags for three shares.', fields, drop(75, 8), 'INTEGRITY', {
      rule: 'S-12',
    }),
    test('a tag too many', 'There are three share tags for two shares.', fields, set(74, 2), 'INTEGRITY', {
      rule: 'S-12',
    }),
  ];
}

export const setsOfShares = (): Case[] => [...handedIn(), ...madeUp(), ...faultySlots()];
