import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LONG, onlyLong } from '../../campaigns/src/size.ts';
import { ARGON2_ONCE } from '../src/run/derive-once.ts';
import { isAsSaid, runPage, shellBlocksIn } from '../src/run/shell-pages.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** As bundled from its sources when the tests began. */
const COMMAND: readonly string[] = [
  process.execPath,
  '--require',
  ARGON2_ONCE,
  join(root, 'packages/cli/bin/securestore.cjs'),
];

/** Its blocks have disasters between them: packages/cli/test/disaster-recovery.long.test.ts runs them. */
const ELSEWHERE = 'docs/trouble/disaster-recovery.md';

const pages = globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root })
  .filter((page) => page !== ELSEWHERE)
  .toSorted()
  .map((page) => ({ page, blocks: shellBlocksIn(readFileSync(join(root, page), 'utf8')) }))
  .filter(({ blocks }) => blocks.length > 0);

describe('shellBlocksIn', () => {
  it('finds blocks to run with the output that follows, and no others', () => {
    const text = [
      '# T',
      '```sh',
      'no',
      '```',
      '```sh run',
      'one',
      '```',
      '',
      '```text',
      '1',
      '```',
      '```sh run',
      'two',
      '```',
    ];
    expect(shellBlocksIn(text.join('\n'))).toEqual([
      { line: 6, commands: 'one\n', output: '1\n' },
      { line: 13, commands: 'two\n', output: undefined },
    ]);
  });
});

it('shellBlocksIn finds comments with what a page takes for done', () => {
  expect(shellBlocksIn('# T\n\n<!-- sh run\none\ntwo\n-->\n\n```sh run\nthree\n```\n')).toEqual([
    { line: 4, commands: 'one\ntwo\n', output: undefined },
    { line: 9, commands: 'three\n', output: undefined },
  ]);
});

describe('isAsSaid', () => {
  it.each([
    ['a\nb\n', 'a\nb\n', true],
    ['a\n', 'a\nb\n', false],
    ['a 12 ms\n', 'a … ms\n', true],
    ['a\nb\nc\n', 'a\n…\n', true],
    ['a.b\n', 'axb\n', false],
    ['one\nmore\n', 'one\n', false],
  ])('%j is %j: %s', (printed, said, expected) => {
    expect(isAsSaid(printed, said)).toBe(expected);
  });
});

/** One that a slow machine needs for the commands of a page, several of which run at a time. */
const TIMEOUT = 600_000;

/** A short run has the pages that a newcomer reads first. */
const isFirst = ({ page }: { readonly page: string }): boolean =>
  page === 'README.md' || page === 'docs/start/command-line.md';

type PageOfShell = (typeof pages)[number];

const runs = async ({ blocks }: PageOfShell): Promise<void> => {
  const printed = await runPage(blocks, COMMAND);
  for (const [index, { line, output }] of blocks.entries()) {
    const found = printed[index] ?? '';
    if (output !== undefined && !isAsSaid(found, output)) expect(found, `the block at line ${line}`).toBe(output);
  }
};

const HAS_CURL = spawnSync('curl', ['--version']).status === 0;
/** Whether this machine has what the page needs. */
const canRun = ({ blocks }: PageOfShell): boolean =>
  HAS_CURL || blocks.every(({ commands }) => !/\b(?:curl|serve_at)\b/.test(commands));

describe('the commands in the documentation', { timeout: TIMEOUT }, () => {
  const title = 'of $page run one after the other and print what it says';
  it.concurrent.each(pages.filter(isFirst))(title, runs);
  const others = pages.filter((page) => !isFirst(page));
  it.runIf(LONG).concurrent.each(others.filter(canRun))(onlyLong(title), runs);
  it.skip.each(others.filter((page) => !canRun(page)))(`${title} (skipped: curl is not installed)`, runs);

  it('stop at the first that fails', async () => {
    await expect(runPage(shellBlocksIn('```sh run\nfalse\necho on\n```\n'), COMMAND)).rejects.toThrow('failed');
  });
});
