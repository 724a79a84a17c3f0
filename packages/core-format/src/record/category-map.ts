import { ByteReader, ByteWriter } from '../bytes/bytes.ts';
import { ID_LENGTH } from './record.ts';

/** The category of every object that no rule names. */
export const DEFAULT_CATEGORY = 'default';

export const MAX_CATEGORIES = 1024;
export const MAX_CATEGORY_RULES = 4096;
export const MAX_PATTERN_BYTES = 1024;
export const MAX_CATEGORY_NAME_BYTES = 64;

export interface Category {
  readonly id: Uint8Array;
  readonly name: string;
}

/** Objects whose key matches `pattern` are of the category `categoryId`; the first rule that matches decides. */
export interface CategoryRule {
  /** Segments as in a key; `*` is any text within a segment, `**` any number of segments. */
  readonly pattern: string;
  readonly categoryId: Uint8Array;
}

export interface CategoryMap {
  /** The default category first; the others in the order of their making. */
  readonly categories: readonly Category[];
  readonly rules: readonly CategoryRule[];
}

export function encodeCategoryMap(map: CategoryMap): Buffer {
  const writer = new ByteWriter(512).u16(map.categories.length);
  for (const { id, name } of map.categories) {
    const bytes = Buffer.from(name, 'utf8');
    writer.fixed(id, ID_LENGTH).u8(bytes.length).bytes(bytes);
  }
  writer.u16(map.rules.length);
  for (const { pattern, categoryId } of map.rules) {
    const bytes = Buffer.from(pattern, 'utf8');
    writer.fixed(categoryId, ID_LENGTH).u16(bytes.length).bytes(bytes);
  }
  return writer.finish();
}

/** @throws SecureStoreError `INTEGRITY` */
export function decodeCategoryMap(bytes: Uint8Array): CategoryMap {
  const reader = new ByteReader('the category map', bytes);
  const count = reader.u16();
  if (count === 0 || count > MAX_CATEGORIES) reader.fail('it has no categories, or too many');
  const categories = Array.from({ length: count }, () => {
    const id = reader.copy(ID_LENGTH);
    const length = reader.u8();
    if (length === 0 || length > MAX_CATEGORY_NAME_BYTES) reader.fail('the name of a category has the wrong length');
    return { id, name: reader.text(length) };
  });
  if (categories[0]?.name !== DEFAULT_CATEGORY) reader.fail('its first category is not the default one');
  const known = new Set(categories.map(({ id }) => id.toString('latin1')));
  if (known.size !== count || new Set(categories.map(({ name }) => name)).size !== count) {
    reader.fail('a category is listed twice');
  }
  const ruleCount = reader.u16();
  if (ruleCount > MAX_CATEGORY_RULES) reader.fail('it has too many rules');
  const rules = Array.from({ length: ruleCount }, () => {
    const categoryId = reader.copy(ID_LENGTH);
    if (!known.has(categoryId.toString('latin1'))) reader.fail('a rule names an unknown category');
    const length = reader.u16();
    if (length === 0 || length > MAX_PATTERN_BYTES) reader.fail('a pattern has the wrong length');
    return { categoryId, pattern: reader.text(length) };
  });
  reader.end();
  return { categories, rules };
}
