import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkOf } from '../src/blocks/check-block.ts';
import type { Check, Known } from '../src/blocks/check-block.ts';
import { argumentsIn, mistakeInArguments } from '../src/blocks/command-lines.ts';
import { mistakesInTypes } from '../src/blocks/compile-blocks.ts';
import { blocksIn, pagesWithExamples } from '../src/blocks/page-blocks.ts';
import type { Block } from '../src/blocks/page-blocks.ts';
import { commandsIn } from '../src/blocks/shell-words.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** Those that cookbook.test.ts writes and runs. */
const pagesWithFiles: ReadonlySet<string> = new Set(
  [...readFileSync(join(root, 'tools/docs-check/test/cookbook.test.ts'), 'utf8').matchAll(/written\('(\S+\.md)'/g)].map(
    ([, page = '']) => `docs/build/cookbook/${page}`,
  ),
);

/** What `npm run reference` writes: every usage and every summary of it comes from the sources. */
const isGenerated = (markdown: string): boolean => markdown.startsWith('<!-- Written by `npm run reference`');

function isPackage(name: string): boolean {
  return [join('node_modules', name), join('packages', name)].some((path) => existsSync(join(root, path)));
}

interface Checked {
  readonly block: Block;
  readonly check: Check;
}

/** The blocks of a page, each with how it is checked. */
function checked(page: string, markdown: string): Checked[] {
  const known: Known = { functions: new Map(), pagesWithFiles, isGenerated: isGenerated(markdown), isPackage };
  return blocksIn(page, markdown).map((block) => ({ block, check: checkOf(block, known) }));
}

/** The mistakes in the only block of a page. */
function mistakeIn(opening: string, text: string): string | undefined {
  const [{ check } = { check: undefined }] = checked('a.md', `# A\n\n\`\`\`${opening}\n${text}\n\`\`\`\n`);
  return check?.kind === 'wrong' ? check.mistake : undefined;
}

describe('commandsIn', () => {
  it.each([
    ['a b  "c d" \'e f\' # g', [['a', 'b', 'c d', 'e f']]],
    ['a \\\n  b | c > d 2>&1 && X=1 e', [['a', 'b'], ['c'], ['e']]],
    [
      'a "$(b c)" <d',
      [
        ['b', 'c'],
        ['a', '$(…)'],
      ],
    ],
    ['for a in b; do c; done', [['for', 'a', 'in', 'b'], ['c']]],
    ['f() { a -x "$@"; }\nf b', [['a', '-x', 'b']]],
  ])('takes the words of %j', (script, expected) => {
    expect(commandsIn(script)).toEqual(expected);
  });
});

it('the arguments of one command are forgotten before the next', () => {
  const [given, missing] = [mistakeInArguments(['get', 'a']), mistakeInArguments(['get'])];
  expect(given).toBeUndefined();
  expect(missing).toContain('missing required argument');
  expect(mistakeInArguments(['ls', '--frob'])).toContain('unknown option');
  expect([mistakeInArguments(['ls']), mistakeInArguments(['get'])]).toEqual([undefined, missing]);
});

describe('a planted block is found', () => {
  it.each([
    ['without a reason', 'sh', 'frobnicate', 'the block needs a reason'],
    ['of an unknown language', 'perl', '1;', 'nothing checks "perl"'],
    ['with an unknown mark', 'sh walk', 'securestore ls', 'unknown info string: walk'],
    ['of output that no test prints', 'text', 'a', 'nothing prints this text'],
    ['with an unknown command', 'sh', 'securestore frob', 'unknown command'],
    ['with an unknown action', 'sh', 'securestore key frob', 'the action of key must be'],
    ['with an unknown option', 'sh', 'securestore ls --frob', 'unknown option'],
    ['with an unknown option, although it has a reason', 'sh skip="a"', 'sudo securestore ls --frob', 'unknown option'],
    ['with an old option', 'sh', 'securestore migrate a b --reseal', '--reseal is an old spelling'],
    ['with an old command, although it runs', 'sh run', 'securestore keys list', 'keys is an old spelling'],
    ['with an operand too many', 'sh', 'securestore get a b', 'too many arguments'],
    ['with an unknown package', 'sh', 'npm install @securestore/frob', 'there is no package'],
    ['with an unknown route', 'sh', 'curl https://a.example/v1/frob', 'GET /v1/frob is no route'],
    ['with an unknown parameter', 'sh', 'curl https://a.example/v1/keys?frob=1', 'no query parameter frob'],
    ['with a body that does not fit', 'http', 'POST /v1/tokens\n\n{ "principle": "a" }', 'the body: '],
    ['with a body that is no JSON', 'http', 'POST /v1/tokens\n\n{ a }', 'JSON'],
    ['that is no JSON', 'json', '{ a }', 'JSON'],
    ['of settings that are none', 'ini', '[Service]\nfrob', 'neither a section nor a setting'],
    ['of a service with an unknown option', 'ini', 'ExecStart=/bin/securestore serve --frob', 'unknown option'],
    ['of a file that no test writes', 'ts', '// a.ts\nexport {};', 'no test writes and runs'],
  ])('%s', (_, opening, text, mistake) => {
    expect(mistakeIn(opening, text)).toContain(mistake);
  });

  it('if its types are wrong', async () => {
    const markdown =
      "<!-- given: id: number -->\n```ts\nimport { stat } from 'node:fs';\n\nstat;\nstore.retrieve(id);\n```\n";
    const all = blocksIn('a.md', markdown);
    const mistakes = await mistakesInTypes(root, [{ markdown, all, blocks: all }]);
    expect(mistakes).toEqual([expect.stringMatching(/^a\.md:6: error TS2345/)]);
  });

  it('if its fence is not closed', () => {
    expect(() => blocksIn('a.md', '```sh\na\n')).toThrow('The block at line 1 of a.md is not closed.');
  });

  it('and one with a reason or a check is not', () => {
    expect(mistakeIn('sh skip="needs Docker"', 'docker compose run --rm securestore init')).toBeUndefined();
    expect(mistakeIn('sh', 'securestore exec --env A=a -- npm --frob')).toBeUndefined();
    expect(mistakeIn('sh', "curl -X DELETE 'https://a.example/v1/tokens?id=1'")).toBeUndefined();
  });
});

describe('the blocks of the documentation', () => {
  const pages = pagesWithExamples(root).map(({ page, markdown }) => ({ markdown, blocks: checked(page, markdown) }));
  const all = pages.flatMap(({ blocks }) => blocks);

  it('are each run, checked in another way, or have a reason', () => {
    const counts = new Map<string, number>();
    for (const { block, check } of all) {
      const label = `${block.language}: ${check.kind}${check.kind === 'skipped' ? `, ${check.reason}` : ''}`;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    const table = [...counts]
      .toSorted(([, one], [, other]) => other - one)
      .map(([label, count]) => `${count} ${label}`);
    console.log(`${all.length} blocks on ${pages.length} pages\n${table.join('\n')}`);
    const mistakes = all.flatMap(({ block: { page, line }, check }) =>
      check.kind === 'wrong' ? [`${page}:${line}: ${check.mistake}`] : [],
    );
    expect(mistakes).toEqual([]);
    expect(all.length).toBeGreaterThan(700);
  });

  it('compile if they are TypeScript that nothing runs', async () => {
    const typed = pages.map(({ markdown, blocks }) => ({
      markdown,
      all: blocks
        .filter(({ block, check }) => block.language === 'ts' && check.kind !== 'file')
        .map(({ block }) => block),
      blocks: blocks.filter(({ check }) => check.kind === 'compiled').map(({ block }) => block),
    }));
    expect(await mistakesInTypes(root, typed)).toEqual([]);
  });

  it('name commands in their sentences that there are', () => {
    const mistakes = pagesWithExamples(root).flatMap(({ page, markdown }) =>
      isGenerated(markdown)
        ? []
        : [...markdown.replaceAll(/^ *```[^]*?^ *```/gm, '').matchAll(/`(securestore [^`\n]+)`/g)].flatMap(
            ([, line = '']) => {
              // What stands for the rest of a command, or for an option, is for the reader.
              if (/…|\[|\|/.test(line)) return [];
              return commandsIn(line).flatMap((words) => {
                const mistake = mistakeInArguments(argumentsIn(words) ?? []);
                return mistake === undefined || mistake.includes('missing') ? [] : [`${page}: ${line}: ${mistake}`];
              });
            },
          ),
    );
    expect(mistakes).toEqual([]);
  });
});
