import { encodeBase32, objectName, parseStoreKey } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { DEEP_KEY, LONG_KEY } from '../make/base.ts';
import type { Change } from '../make/bytes.ts';
import { bytesFrom } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { retrieve } from '../make/cases.ts';
import { namesOf } from '../make/make.ts';

/** What no object can be named. */
const NO_KEYS: readonly (readonly [name: string, key: string, rule: string])[] = [
  ['empty', '', 'N-01'],
  ['1025 bytes', 'a'.repeat(1025), 'N-01'],
  ['1026 bytes in 513 characters', 'ü'.repeat(513), 'N-01'],
  ['a leading slash', '/a', 'N-02'],
  ['a trailing slash', 'a/', 'N-02'],
  ['a doubled slash', 'a//b', 'N-02'],
  ['a dot', 'a/./b', 'N-03'],
  ['two dots', '..', 'N-03'],
  ['NUL', 'a\u0000b', 'N-04'],
  ['DEL', 'a\u007fb', 'N-04'],
  ['a control character of Latin 1', 'a\u0085b', 'N-04'],
  ['a decomposed letter', 'a\u0308', 'N-05'],
];

/** Retrieving every object of a base: nothing is wrong. */
function right(): Case[] {
  const keys = [
    'db/pw',
    'empty',
    'former',
    'secrets/api',
    'ä 😀/ß_-.~',
    LONG_KEY,
    DEEP_KEY,
    'doc',
    'big',
    'whole',
    'tiny',
  ];
  const found = keys.map((key): Case => ({
    name: `found: ${key.slice(0, 24)}`,
    description: 'An object as it is.',
    action: retrieve(key),
    expect: 'ok',
  }));
  const missing = ['deleted', 'purged', 'never'].map((key): Case => ({
    name: `not found: ${key}`,
    description: 'No object, or one that was deleted.',
    action: retrieve(key),
    expect: 'NOT_FOUND',
  }));
  return [
    ...found,
    ...missing,
    { name: 'list', description: 'The names of all objects.', action: { do: 'list' }, expect: 'ok' },
  ];
}

const altered = (text: string, index: number): string => {
  const other = text.charAt(index) === '0' ? '1' : '0';
  return text.slice(0, index) + other + text.slice(index + 1);
};

/** What lies under a name that is none: whoever lists comes across it. */
function tokens(base: Base): Case[] {
  const cipher = namesOf(base);
  const token = (key: string): string => cipher.locate(parseStoreKey(key)).token;
  const pw = token('db/pw');
  const [folder = '', own = ''] = pw.split('/');
  const copy: Change = (_, objects) => objects.get(objectName(pw));
  const at = (
    name: string,
    description: string,
    to: string,
    rule = 'T-02',
    expect: Case['expect'] = 'INTEGRITY',
  ): Case => ({
    name: `token: ${name}`,
    description,
    rule,
    fault: { stage: `at ${objectName(to)}`, change: copy },
    action: { do: 'list' },
    expect,
  });
  const common = [
    at(
      '~ of another name',
      'A hidden name has the name id of another one: the record tells.',
      `~${encodeBase32(bytesFrom('another', 16))}`,
      'T-07',
    ),
    at(
      '~ of a name that shows',
      'A name that its token could tell lies under a hidden one.',
      `~${encodeBase32(cipher.locate(parseStoreKey('db/pw')).nameId)}`,
      'T-07',
    ),
    at('~ before the end', 'A hidden name is followed by a segment.', `~${'0'.repeat(26)}/${own}`, 'T-05'),
  ];
  if (base.naming === 'plain') {
    return [
      ...common,
      at('a hyphen', 'A hyphen is not escaped.', 'd-b', 'T-04'),
      at('escaped letter', 'A letter is escaped that need not be.', 'd_62', 'T-04'),
      at('half an escape', 'An escape is cut.', 'db_5', 'T-04'),
      at('escaped slash', 'A slash is escaped.', 'db_2fpw', 'T-04'),
      at('not UTF-8', 'A token is not UTF-8.', 'db_ff', 'T-04'),
      at('no key', 'A token is that of a name which no object can have.', '_2e_2e', 'T-05'),
    ];
  }
  return [
    ...common,
    at('synthetic IV', 'A digit of the S of a segment is another one.', `${folder}/${altered(own, 0)}`),
    at(
      'encrypted segment',
      'A digit of the encrypted segment is another one.',
      `${folder}/${altered(own, own.length - 3)}`,
    ),
    at('another folder', 'A segment lies in another folder than it was made for.', own),
    at('only S', 'A token has an S and no segment.', own.slice(0, 26), 'T-05'),
    at('unused bits', 'The unused bits of a token are not zero.', `${folder}/${own.slice(0, -1)}v`, 'G-10'),
    at('no base32', 'A token holds a digit that base32hex has not.', `${folder}/${own.slice(0, -1)}z`, 'G-10'),
    at('an empty byte', 'A token has a digit too many.', `${folder}/${own}0`, 'G-10'),
  ];
}

export function names(base: Base): Case[] {
  const refused = NO_KEYS.map(([name, key, rule]): Case => ({
    name: `key: ${name}`,
    description: 'No object can have this name.',
    rule,
    action: retrieve(key),
    expect: 'INVALID_KEY',
  }));
  if (base.name === 'suite-1') return [...right(), ...tokens(base), ...refused];
  return base.name === 'plain' ? [...right(), ...tokens(base)] : right();
}
