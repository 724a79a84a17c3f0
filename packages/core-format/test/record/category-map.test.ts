import { describe, expect, it } from 'vitest';
import type { Category, CategoryRule } from '../../src/index.ts';
import { decodeCategoryMap, encodeCategoryMap, MAX_CATEGORIES, MAX_CATEGORY_RULES } from '../../src/index.ts';
import { categoryMaps } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const category = (number: number, name: string): Category => {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(number);
  return { id, name };
};
const first: Category = category(0, 'default');
const rule = (pattern: string, of: Category = first): CategoryRule => ({ pattern, categoryId: of.id });

function expectCode(categories: Category[], rules: CategoryRule[], code: 'INTEGRITY' | undefined): void {
  const parse = (): unknown => decodeCategoryMap(encodeCategoryMap({ categories, rules }));
  if (code === undefined) expect(parse).not.toThrow();
  else expect(parse).toThrow(expect.objectContaining({ code }));
}

describe('a category map', () => {
  itObeysTheCodecLaws({ values: categoryMaps, encode: encodeCategoryMap, decode: decodeCategoryMap });

  it('[C-01] begins with the default category, and has each id and name once', () => {
    expectCode([first, category(1, 'tokens')], [], undefined);
    expectCode([], [], 'INTEGRITY');
    expectCode([category(0, 'other')], [], 'INTEGRITY');
    expectCode([category(1, 'tokens'), first], [], 'INTEGRITY');
    expectCode([first, category(0, 'tokens')], [], 'INTEGRITY');
    expectCode([first, category(1, 'default')], [], 'INTEGRITY');
  });

  it('[C-02] has rules of known categories only', () => {
    expectCode([first], [rule('a/**')], undefined);
    expectCode([first], [rule('a/**', category(1, 'tokens'))], 'INTEGRITY');
  });

  it('[C-03] has at most 1024 categories, 4096 rules, names of 64 and patterns of 1024 bytes', () => {
    const many = (count: number): Category[] =>
      Array.from({ length: count }, (_, index) => category(index, index === 0 ? 'default' : `c${index}`));
    const rules = (count: number): CategoryRule[] => Array.from({ length: count }, () => rule('a'));
    expectCode(many(MAX_CATEGORIES), rules(MAX_CATEGORY_RULES), undefined);
    expectCode(many(MAX_CATEGORIES + 1), [], 'INTEGRITY');
    expectCode([first], rules(MAX_CATEGORY_RULES + 1), 'INTEGRITY');
    expectCode([first, category(1, 'x'.repeat(64))], [rule('x'.repeat(1024))], undefined);
    expectCode([first, category(1, 'x'.repeat(65))], [], 'INTEGRITY');
    expectCode([first, category(1, '')], [], 'INTEGRITY');
    expectCode([first], [rule('x'.repeat(1025))], 'INTEGRITY');
    expectCode([first], [rule('')], 'INTEGRITY');
  });
});
