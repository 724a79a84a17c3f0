import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileNaming, nameObjections } from '../../src/folder/export-names.ts';

const POSIX: FileNaming = { platform: 'linux', caseInsensitive: false, sidecars: false };

/** The names among `names` that are refused. */
function refused(names: readonly string[], naming: FileNaming = POSIX): string[] {
  const objects = names.map((name) => ({ key: name, name }));
  const objection = nameObjections(objects, naming);
  return objects.filter((object) => objection(object) !== undefined).map(({ name }) => name);
}

describe('names of exported files', () => {
  it('refuses what is a file and a folder, and lets the rest through', () => {
    expect(refused(['foo', 'foo/bar', 'foo-x', 'foo/bar/baz', 'a'])).toEqual(['foo', 'foo/bar']);
  });

  it('gives a name to one of two that differ only in case where that is one file', () => {
    expect(refused(['Foo', 'foo', 'x/A', 'x/a'], { ...POSIX, caseInsensitive: true })).toEqual(['foo', 'x/a']);
    expect(refused(['Foo', 'foo'])).toEqual([]);
    expect(refused(['foo', 'FOO/x'], { ...POSIX, caseInsensitive: true })).toEqual(['foo']);
    // The long s and the sign of Kelvin are an s and a k there.
    expect(refused(['db/secret', 'db/\u017fecret', 'kilo', '\u212ailo'], { ...POSIX, caseInsensitive: true })).toEqual([
      'db/\u017fecret',
      '\u212ailo',
    ]);
  });

  it('keeps the names of sidecars for them', () => {
    const names = ['a', 'a.securestore.json', 'b.securestore.json'];
    expect(refused(names, { ...POSIX, sidecars: true })).toEqual(['a.securestore.json']);
    expect(refused(names)).toEqual([]);
  });

  it.each([
    'con',
    'AUX.txt',
    'nul .txt',
    'x/com1  .a.b',
    'x/Com1',
    'lpt9.tar.gz',
    'a:b',
    'a\\..\\b',
    'end.',
    'end ',
    'what?',
    'x/"y"',
  ])('refuses %s on Windows only', (name) => {
    expect(refused([name], { ...POSIX, platform: 'win32' })).toEqual([name]);
    expect(refused([name])).toEqual([]);
  });

  it.each(['console', 'com', 'com10', 'a.b', '.hidden', 'ü'])('allows %s on Windows', (name) => {
    expect(refused([name], { ...POSIX, platform: 'win32' })).toEqual([]);
  });

  it('leaves files that can stand side by side, whatever the names and their order', () => {
    const segment = fc.constantFrom('a', 'A', 'b', 'a.securestore.json');
    const name = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 8 }), fc.boolean(), (names, caseInsensitive) => {
        const naming = { ...POSIX, caseInsensitive, sidecars: true };
        const bad = refused(names, naming);
        expect(refused(names.toReversed(), naming).toSorted()).toEqual(bad.toSorted());
        const fold = (text: string): string => (caseInsensitive ? text.toLowerCase() : text);
        const files = names.filter((text) => !bad.includes(text)).map(fold);
        expect(new Set(files).size).toBe(files.length);
        for (const file of files) expect(files.some((other) => other.startsWith(`${file}/`))).toBe(false);
      }),
    );
  });
});
