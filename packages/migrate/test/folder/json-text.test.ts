import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLines, readJson } from '../../src/folder/json-text.ts';
import { LONG, onlyLong, sized } from '../../../../tools/campaigns/src/size.ts';

/** What a text says, with the code of its error for what is refused. */
function read(text: string): Record<string, string> {
  const found = [...readJson(text)].map((entry) => {
    if ('error' in entry) return [entry.name, entry.error.code] as const;
    return [entry.name, 'value' in entry ? entry.value : ''] as const;
  });
  return Object.fromEntries(found);
}

/** What it should say, by `JSON.parse`. */
function expected(value: unknown, name: string, found: Map<string, string>): Map<string, string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isObject && (name === '' || Object.keys(value).length > 0)) {
    for (const [part, below] of Object.entries(value)) expected(below, name === '' ? part : `${name}/${part}`, found);
  } else {
    found.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return found;
}

/** What JSON is made of, and what it isn't. */
const TOKENS =
  `{ } [ ] : , " \\ "a" "b" \\u00e9 "\\u12" "\\x" 1 - 0 01 1.5 1e3 . true nul null NaN ' // {"c":[1,{"d":2}]}`
    .split(' ')
    .concat(' ', '\n', '\t', '\u00a0', '"\n"');

const segment = fc.stringMatching(/^[a-z_]{1,3}$/);
const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(fc.integer(), fc.string({ maxLength: 3 })), { maxLength: 3 }),
);
const { object } = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc.dictionary(segment, tie('value'), { maxKeys: 3 }),
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('object')),
}));

describe('reading a JSON object', () => {
  it('names what it holds by all names that lead to it', () => {
    fc.assert(
      fc.property(object, (value) => {
        const found = new Map([...readJson(JSON.stringify(value))].map((entry) => [entry.name, entry]));
        for (const [name, text] of expected(value, '', new Map()))
          expect(found.get(name)).toEqual({ name, value: text });
        expect(found.size).toBe(expected(value, '', new Map()).size);
      }),
    );
  });

  it('takes what JSON.parse takes, and nothing else, spaces and all', () => {
    const token = fc.constantFrom(...TOKENS);
    const text = fc.oneof(
      fc.array(token, { maxLength: 9 }).map((parts) => `{"x":${parts.join('')}}`),
      fc.tuple(object, fc.nat(), fc.string({ maxLength: 2 })).map(([value, at, more]) => {
        const whole = JSON.stringify(value);
        return whole.slice(0, at % (whole.length + 1)) + more + whole.slice(at % (whole.length + 1));
      }),
    );
    fc.assert(
      fc.property(text, (given) => {
        let parsed: unknown;
        try {
          parsed = JSON.parse(given);
        } catch {
          parsed = undefined;
        }
        const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
        if (isObject) expect([...readJson(given)]).toHaveLength(readJson(given).count);
        else expect(() => readJson(given)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      }),
      { numRuns: sized({ short: 1000, full: 5000, torture: 5000 }) },
    );
  });

  it('keeps numbers and lists as they stand there', () => {
    expect(read('{"n": 12345678901234567890, "f": 1.0, "l": [1.0,  {"a": 1, "a": 2}], "o": { }, "t": true}')).toEqual({
      n: '12345678901234567890',
      f: '1.0',
      l: '[1.0,  {"a": 1, "a": 2}]',
      o: '{ }',
      t: 'true',
    });
  });

  it('takes names that objects of JavaScript have for names like any other', () => {
    const text = '{"__proto__": {"polluted": "x"}, "constructor": {"prototype": {"polluted": "y"}}, "toString": "z"}';
    expect([...readJson(text)].map(({ name }) => name)).toEqual([
      '__proto__/polluted',
      'constructor/prototype/polluted',
      'toString',
    ]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('refuses what is given twice, by whatever names, and only that', () => {
    expect(read('{"a": "1", "a": "1", "b": {"c": "2"}, "b/c": "3", "d": {"e": "4"}, "d": {"f": "5"}}')).toEqual({
      a: 'INVALID_ARGUMENT',
      'b/c': 'INVALID_ARGUMENT',
      'd/e': '4',
      'd/f': '5',
    });
  });

  it('refuses texts that UTF-8 can not hold', () => {
    expect(read('{"half": "\\ud83d", "whole": "\\ud83d\\udd10", "list": ["\\ud83d"]}')).toEqual({
      half: 'INVALID_ARGUMENT',
      whole: '🔐',
      list: '["\\ud83d"]',
    });
  });

  it('refuses names that are longer than a key, by their line', () => {
    const long = 'x'.repeat(600);
    expect(read(`{"${long}": {"a": "1",\n"${long}": {"b": "2"}}}`)).toEqual({
      [`${long}/a`]: '1',
      'line 2': 'INVALID_KEY',
    });
  });

  it.each([
    ['', 'the text is not a JSON object'],
    ['[]', 'the text is not a JSON object'],
    ['"secretpart"', 'the text is not a JSON object'],
    ['{"a": secretpart}', 'line 1 is not JSON: a value is missing'],
    ['{"a":\n"secretpart}', 'line 2 is not JSON: a text does not end'],
    ['{"a": "secretpart"\n"b": 1}', 'line 2 is not JSON: } is missing'],
    ['{"a": "secret\npart"}', 'line 1 is not JSON: a text has invalid characters'],
    ['{"a": "secretpart"}\n\nsecretpart', 'line 3 is not JSON: text after the end'],
    ['{"a": 1,}', 'line 1 is not JSON: a comma before }'],
    ['{"a": [1,\n]}', 'line 2 is not JSON: a comma before ]'],
    ['{"a": 1, secretpart: 2}', 'a text in quotation marks is missing'],
    [`${'{"a":'.repeat(513)}1${'}'.repeat(513)}`, /^objects and arrays on line 1 are nested more than 512 deep/],
    [`{"a":${'['.repeat(600_000)}`, /^objects and arrays on line 1 are nested more than 512 deep/],
  ])('refuses %.40s, and the error repeats nothing of it', (text, message) => {
    expect(() => readJson(text)).toThrow(message);
    expect(() => readJson(text)).not.toThrow(/secret|part/);
  });

  it('takes little time and memory for what is hostile', () => {
    const [many, long] = sized({ short: [20_000, 400_000], full: [100_000, 2_000_000], torture: [100_000, 2_000_000] });
    const half = 'x'.repeat(500_000);
    const values = Array.from({ length: many }, (_, index) => `"${index}":1`).join();
    const begun = process.cpuUsage();
    // The names that lead to each value would be 20 GB together or more.
    expect([...readJson(`{"${half}":{"${half}":{${values}}}}`)].length).toBe(many);
    expect([...readJson(`{"${'a/'.repeat(500)}b":{${values}}}`)].length).toBe(many);
    expect(() => readJson(`{"a":"${'\\'.repeat(long + 1)}"}`)).toThrow('does not end');
    expect(() => readJson(`{${'\n'.repeat(long)}`)).toThrow(`line ${long + 1} is not JSON`);
    expect(process.cpuUsage(begun).user).toBeLessThan(20_000_000);
  });
});

describe('a file that is made of the parts of its names', () => {
  it.runIf(LONG)(onlyLong('does not fill the memory'), () => {
    const script = fileURLToPath(new URL('support/read-names.ts', import.meta.url));
    const flags = ['--conditions=@securestore/source', '--no-warnings', '--max-old-space-size=400'];
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, script], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '4000\n', stderr: '' });
  });
});

describe('writing a JSON object', () => {
  it('makes what is read as the same values by the same names', () => {
    const names = fc.uniqueArray(
      fc.array(fc.constantFrom('a', 'b', '__proto__', '10', 'ü"\\'), { minLength: 3, maxLength: 3 }),
      {
        selector: (parts) => parts.join('/'),
      },
    );
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.string({ unit: 'grapheme' })), (paths, texts) => {
        const values = paths.map((parts) => [parts.join('/'), texts.next().value] as const);
        const text = [...jsonLines(values.map(([name, value]) => [name, JSON.stringify(value)]))].join('');
        expect(() => JSON.parse(text)).not.toThrow();
        expect(new Map([...readJson(text)].map((entry) => [entry.name, 'value' in entry && entry.value]))).toEqual(
          new Map(values),
        );
      }),
    );
  });

  it('is laid out for people', () => {
    const values = [
      ['a/b', '"1"'],
      ['a/c/d', '"2"'],
      ['e', '"3"'],
    ] as const;
    expect([...jsonLines(values)].join('')).toBe(
      `{\n  "a": {\n    "b": "1",\n    "c": {\n      "d": "2"\n    }\n  },\n  "e": "3"\n}\n`,
    );
  });
});
