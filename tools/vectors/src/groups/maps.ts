import { encodeCategoryMap, policyName } from '../../../../packages/core-format/src/index.ts';
import type { CategoryMap } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { GENERATION, keysOf } from '../make/base.ts';
import type { Change } from '../make/bytes.ts';
import { append, bytesFrom, drop, flip, gone, set } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN, retrieve } from '../make/cases.ts';

const MAP = 'category map';
const test = caseOf(OPEN);

export function maps(base: Base): Case[] {
  if (base.name !== 'suite-1' && base.name !== 'suite-2') return [];
  const { categories } = keysOf(base);
  const [first, second] = [
    { id: categories.default, name: 'default' },
    { id: categories.secrets, name: 'secrets' },
  ];
  const rule = (pattern: string): CategoryMap['rules'] => [{ pattern, categoryId: second.id }];
  const map =
    (changes: Partial<CategoryMap>): Change =>
    () =>
      encodeCategoryMap({ categories: [first, second], rules: rule('secrets/**'), ...changes });
  const ruled = (pattern: string): Change => map({ rules: rule(pattern) });
  const at = `at ${policyName(GENERATION, bytesFrom(`${base.name} name of the category map`, 16))}`;
  const bad = (pattern: string, description: string): Case =>
    test(`pattern ${pattern}`, description, MAP, ruled(pattern), 'INTEGRITY', { rule: 'C-04' });
  const matched = (key: string, pattern: string, matches: boolean, description: string): Case =>
    caseOf(retrieve(key))(
      `${key} by ${pattern}`,
      description,
      MAP,
      ruled(pattern),
      (key === 'secrets/api') === matches ? 'ok' : 'INTEGRITY',
      { rule: 'R-16' },
    );
  const structure = [
    test(
      'no default category',
      'The first category has another name.',
      MAP,
      map({ categories: [{ ...first, name: 'defaul' }, second] }),
      'INTEGRITY',
      { rule: 'C-01' },
    ),
    test(
      'one id for two',
      'Two categories have one id.',
      MAP,
      map({ categories: [first, second, { ...second, name: 'other' }] }),
      'INTEGRITY',
      { rule: 'C-01' },
    ),
    test(
      'one name for two',
      'Two categories have one name.',
      MAP,
      map({ categories: [first, second, { id: bytesFrom('other', 16), name: 'secrets' }] }),
      'INTEGRITY',
      { rule: 'C-01' },
    ),
    test('no categories', 'There are no categories.', MAP, map({ categories: [], rules: [] }), 'INTEGRITY', {
      rule: 'C-03',
    }),
    test(
      'no name',
      'A category has an empty name.',
      MAP,
      map({ categories: [first, { ...second, name: '' }] }),
      'INTEGRITY',
      { rule: 'C-03' },
    ),
    test(
      'a long name',
      'The name of a category has 65 bytes.',
      MAP,
      map({ categories: [first, { ...second, name: 'n'.repeat(65) }] }),
      'INTEGRITY',
      { rule: 'C-03' },
    ),
    test(
      'an unknown category',
      'A rule names a category that is not listed.',
      MAP,
      map({ rules: [{ pattern: 'x', categoryId: bytesFrom('unknown', 16) }] }),
      'INTEGRITY',
      { rule: 'C-02' },
    ),
    test('no pattern', 'A pattern is empty.', MAP, ruled(''), 'INTEGRITY', { rule: 'C-03' }),
    bad('a//b', 'A pattern has an empty segment.'),
    bad('a**/b', 'A pattern has ** beside other text.'),
    bad('**/**', 'A pattern repeats **.'),
    bad('../x', 'A pattern has a segment "..".'),
    test(
      'name not UTF-8',
      'The name of a category is not UTF-8.',
      MAP,
      (bytes) => set(bytes.indexOf('secrets'), 0xff)(bytes, new Map()),
      'INTEGRITY',
      { rule: 'G-02' },
    ),
    test('longer', 'A byte follows the map.', MAP, append(Buffer.alloc(1)), 'INTEGRITY', { rule: 'G-03' }),
    test('cut', 'The last byte of the map is missing.', MAP, drop(-1, 1), 'INTEGRITY', { rule: 'G-03' }),
    test('at the backend: flipped', 'The last byte of the map is flipped at the backend.', at, flip(-1), 'INTEGRITY', {
      rule: 'Y-04',
    }),
    test('at the backend: missing', 'The map is missing.', at, gone, 'INTEGRITY', { rule: 'Y-04' }),
    matched('secrets/api', '**/*', true, '** stands for no segments too.'),
    matched('secrets/api', 'secrets/*', true, '* stands for any text.'),
    matched('secrets/api', 's*ts/a*i', true, '* stands for text within a segment.'),
    matched(
      'secrets/api',
      '*',
      false,
      '* does not stand for a slash: so the record is of another category than its name.',
    ),
    matched('secrets/api', 'secrets/api/**', false, '** at the end stands for a segment or more.'),
    matched('db/pw', 'db/**', true, 'The map gives the name of the record another category than the record has.'),
    matched('db/pw', 'db/*x', false, 'A pattern that does not match leaves the name to the default category.'),
  ];
  return base.name === 'suite-1' ? structure : structure.filter(({ name }) => name.startsWith('at the backend'));
}
