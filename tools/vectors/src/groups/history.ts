import { formatVersion, historyName, parseStoreKey } from '../../../../packages/core-format/src/index.ts';
import type { Base, Item } from '../make/base.ts';
import { commitOf, ITEMS, MICROSECONDS, nameOf } from '../make/base.ts';
import { flip, gone, set } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf } from '../make/cases.ts';
import { namesOf } from '../make/make.ts';

const KEY = 'doc';

function itemOf(version: number): Item {
  const found = ITEMS.find((item) => item.key === KEY && item.version === MICROSECONDS + version);
  if (found === undefined) throw new Error(`there is no version ${version}`);
  return found;
}

const asked = (version: string): Case['action'] => ({ do: 'retrieve', key: KEY, version });

export function history(base: Base): Case[] {
  if (base.suite !== base.formerSuite || base.name === 'plain') return [];
  const versionOf = (version: number): string => {
    const item = itemOf(version);
    return formatVersion(item.version, commitOf(base, item));
  };
  const past = versionOf(21);
  const plain = (name: string, description: string, version: string, expect: Case['expect'], rule: string): Case => ({
    name,
    description,
    rule,
    action: asked(version),
    expect,
    ...(expect === 'ok' && version !== versionOf(22) ? { past: 21 } : {}),
  });
  const test = caseOf(asked(past));
  const h = `H of ${nameOf(itemOf(21))}`;
  return [
    plain('the current version', 'The current version, by its version.', versionOf(22), 'ok', 'V-01'),
    plain('an older version', 'An older version, from the history.', past, 'ok', 'T-08'),
    plain(
      'a purged version',
      'A version below the origin of the current record was purged.',
      versionOf(20),
      'NOT_FOUND',
      'R-23',
    ),
    plain(
      'another commit',
      'A version with the number of one that is there and another commit.',
      `${past.slice(0, -1)}${past.endsWith('0') ? '1' : '0'}`,
      'NOT_FOUND',
      'V-01',
    ),
    plain('a version in capitals', 'A version in another spelling.', past.toUpperCase(), 'INVALID_ARGUMENT', 'V-01'),
    plain('a version without its commit', 'A version is cut.', past.slice(0, 11), 'INVALID_ARGUMENT', 'V-01'),
    plain(
      'a version too large',
      'The number of a version is over 2^53 - 1.',
      `vvvvvvvvvvv${past.slice(11)}`,
      'INVALID_ARGUMENT',
      'V-01',
    ),
    test('missing', 'The older version is not there.', `at ${historyAt(base)}`, gone, 'NOT_FOUND'),
    test('flipped', 'The last byte of the older version is flipped.', `at ${historyAt(base)}`, flip(-1), 'INTEGRITY', {
      rule: 'R-10',
    }),
    test(
      'another number',
      'A record of the history lies under the number of another version.',
      h,
      set(65, 0),
      'INTEGRITY',
      { rule: 'R-20' },
    ),
  ];
}

function historyAt(base: Base): string {
  const { token } = namesOf(base).locate(parseStoreKey(KEY));
  return historyName(token, MICROSECONDS + 21);
}
