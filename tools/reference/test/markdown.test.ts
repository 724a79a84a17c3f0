import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bytes, time } from '../src/text/amounts.ts';
import { definitions, fromPlain, sentence, table } from '../src/text/markdown.ts';
import { FOLDER, pages } from '../src/pages.ts';
import { membersOf } from '../src/facts/tsdoc.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

it.each([
  ['give --key-file FILE, or -o', 'give `--key-file FILE`, or -o'],
  ['--long --json and $SECURESTORE_URL', '`--long` `--json` and `$SECURESTORE_URL`'],
  ['such as sqlite:./vault.db (no more)', 'such as `sqlite:./vault.db` (no more)'],
  ['{"db": {"password": "x"}} is db/password', '`{"db": {"password": "x"}}` is db/password'],
  ['run securestore get KEY --version-id VERSION.', 'run `securestore get KEY --version-id VERSION`.'],
  ['a ** and a_b', String.raw`a \*\* and a\_b`],
  ['as in POST /v1/restore; or /dev/shm', 'as in `POST /v1/restore`; or `/dev/shm`'],
])('%s for a terminal is %s in Markdown', (plain, markdown) => {
  expect(fromPlain(plain)).toBe(markdown);
});

it('makes sentences, tables, and lists of what is too long for a table', () => {
  expect(sentence('print it')).toBe('Print it.');
  expect(sentence('done.')).toBe('Done.');
  expect(table(['A'], [])).toBe('');
  expect(table(['A', 'B'], [['1|2', 'x']])).toBe('| A | B |\n| --- | --- |\n| 1\\|2 | x |');
  const long = Array.from({ length: 16 }, () => 'word').join(' ');
  expect(definitions(['Name', 'Default', 'Meaning'], [['a', '5', long]])).toBe(`- a (default 5): ${long}`);
});

it('writes amounts in the largest unit', () => {
  expect([1024, 65_536, 2 ** 48, 129_972].map((value) => bytes(value))).toEqual([
    '1,024 bytes',
    '64 KiB',
    '256 TiB',
    '129,972 bytes',
  ]);
  expect([86_400_000, 600_000, 1500].map((value) => time(value))).toEqual(['1 day', '10 minutes', '1,500 ms']);
});

it('reads members of an interface with their comments and defaults', () => {
  const [first] = membersOf(root, 'packages/server/src/limits/limits.ts', 'ServerLimits');
  expect(first).toEqual({
    name: 'headerBytes',
    type: 'number',
    optional: false,
    text: 'All headers of a request together.',
    fallback: '16 KiB',
  });
  expect(() => membersOf(root, 'packages/server/src/limits/limits.ts', 'Others')).toThrow('has no interface Others');
});

const made = await pages(root);

it.each([...made])('%s is what the generator makes', (name, text) => {
  expect(readFileSync(join(root, FOLDER, name), 'utf8') === text, `${FOLDER}/${name}: run npm run reference`).toBe(
    true,
  );
});

it.each([...made])('%s has narrow tables, and links to headings that are there', (name, text) => {
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  for (const row of rows) {
    const cells = row.split(/(?<!\\)\|/).slice(1, -1);
    expect(cells.length).toBeLessThanOrEqual(4);
    for (const cell of cells) expect(cell.trim().split(/\s+/).length, row).toBeLessThanOrEqual(15);
  }
  for (const [, file = '', anchor = ''] of text.matchAll(/\]\(([a-z-]+\.md)?#([\w-]+)\)/g)) {
    expect(anchorsOf(made.get(file === '' ? name : file) ?? ''), `${name}: ${file}#${anchor}`).toContain(anchor);
  }
});

/** The anchors of headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  expect(new Set(headings).size).toBe(headings.length);
  return headings;
}
