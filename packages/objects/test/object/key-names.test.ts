import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, MAX_KEY_BYTES } from '@securestore/core-format';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { PLACES } from '../support/places.ts';
import { createAt, openAt, usePlace } from '../support/stores.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const COUNT = sized({ short: 40, full: 400, torture: 10_000 });

const permitted = (text: string): boolean =>
  !/[\u0000-\u001f\u007f-\u009f/]/.test(text) && text.normalize('NFC') === text;
const character = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }) },
  { weight: 3, arbitrary: fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom('ß', 'é', '鍵', '🔑', '\u{10ffff}', '~', '.', ' ') },
);
const ofLength = (most: number): fc.Arbitrary<string> =>
  fc.array(character, { minLength: 1, maxLength: most }).map((all) => all.join(''));
const segment = fc
  .oneof(
    { weight: 6, arbitrary: ofLength(12) },
    { weight: 2, arbitrary: ofLength(130) },
    { weight: 1, arbitrary: ofLength(600) },
  )
  .map((text) => (permitted(text) ? text : text.replaceAll(/[\u0000-\u001f\u007f-\u009f/]/g, '_').normalize('NFC')))
  .filter((text) => text !== '.' && text !== '..');
const exactly = (bytes: number): fc.Arbitrary<string> =>
  fc.constantFrom('a', '\u{10348}').map((one) => {
    const whole = one.repeat(Math.floor(bytes / Buffer.byteLength(one)));
    return whole + 'b'.repeat(bytes - Buffer.byteLength(whole));
  });
/** From one byte to the limit. */
const validKey = fc
  .oneof(
    { weight: 12, arbitrary: fc.array(segment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/')) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: MAX_KEY_BYTES }).chain(exactly) },
    { weight: 1, arbitrary: fc.constantFrom(1, MAX_KEY_BYTES).chain(exactly) },
  )
  .filter((key) => Buffer.byteLength(key) <= MAX_KEY_BYTES && key.normalize('NFC') === key);

async function namesIn(backend: StorageBackend, area: string): Promise<string[]> {
  const names: string[] = [];
  for (let more = true; more;) {
    const page = await backend.list(area, { after: names.at(-1) ?? '' });
    names.push(...page.entries.map(({ key }) => key));
    ({ more } = page);
  }
  return names;
}

async function copyAll(from: StorageBackend, to: StorageBackend): Promise<void> {
  for (const name of await namesIn(from, '')) {
    const found = await from.read(name);
    if (found !== undefined) await to.write(name, found.body);
  }
}

it.each(['encrypted', 'plain'] as const)(
  `${COUNT} random valid keys round-trip on all backends under the same tokens, with %s names`,
  async (names) => {
    const keys = [...new Set(fc.sample(validKey, COUNT))];
    const origin = usePlace(PLACES[0]?.[1] ?? expect.fail('no place'));
    await (await createAt(origin, { names })).close();
    const template = await origin.open();
    const tokens: string[][] = [];
    for (const [, make] of PLACES) {
      const place = usePlace(make);
      const backend = await place.open();
      await copyAll(template, backend);
      const store = await openAt(place);
      const stored = await store.storeMany(keys.map((key) => ({ key, data: `data of ${key}` })));
      expect(stored.filter(({ ok }) => !ok)).toEqual([]);
      const read = await store.retrieveMany(keys);
      expect(read.map((item) => item.ok && [item.value.info.key, item.value.text()])).toEqual(
        keys.map((key) => [key, `data of ${key}`]),
      );
      expect(await store.list()).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      tokens.push(await namesIn(backend, AREAS.objects));
      await backend.close();
    }
    expect(tokens[0]).toHaveLength(keys.length);
    for (const others of tokens) expect(others).toEqual(tokens[0]);
    await template.close();
  },
  600_000,
);
