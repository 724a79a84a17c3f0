import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { CommandHelp, ProgramHelp } from '../src/help/describe.ts';
import { sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';

const { commands, options: common } = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;
const NOUNS: readonly CommandHelp[] = commands.filter((command) => command.commands.length > 0);

/** Old spellings, each beside the one that took its place. */
const SPELLINGS: readonly (readonly [old: readonly string[], now: readonly string[]])[] = [
  [['keys'], ['key', 'list']],
  [
    ['keys', '--census'],
    ['key', 'list', '--usage'],
  ],
  [
    ['keys', 'destroy', 'none', '--yes'],
    ['key', 'destroy', 'none', '--yes'],
  ],
  [
    ['keys', 'undo', 'none'],
    ['key', 'undo', 'none'],
  ],
  [['slots'], ['slot', 'list']],
  [
    ['slots', 'remove', 'none'],
    ['slot', 'remove', 'none'],
  ],
  [['collect'], ['gc']],
  [['settings'], ['settings', 'show']],
  [
    ['audit', 'tail'],
    ['audit', 'log'],
  ],
  [
    ['init', 'sqlite:./x', '--category', 'none'],
    ['init', 'sqlite:./x', '--define-category', 'none'],
  ],
  [
    ['settings', 'change', '--category', 'none'],
    ['settings', 'change', '--define-category', 'none'],
  ],
  [
    ['get', 'none', '--version', 'none'],
    ['get', 'none', '--version-id', 'none'],
  ],
  [
    ['meta', 'set', 'none', '--remove', 'none'],
    ['meta', 'set', 'none', '--unset', 'none'],
  ],
  [
    ['cp', '--prefix', 'none', 'else'],
    ['cp', '--recursive', 'none', 'else'],
  ],
  [
    ['mv', 'none', 'else', '--prefix'],
    ['mv', 'none', 'else', '-r'],
  ],
  [
    ['scrub', '--within', 'soon'],
    ['scrub', '--over', 'soon'],
  ],
  [
    ['verify', '--within', '30d'],
    ['verify', '--rolling', '30d'],
  ],
  [
    ['health', '--within', 'soon'],
    ['health', '--timeout', 'soon'],
  ],
  [
    ['schedule', 'add', 'x', 'file:./b', '--cron', '@daily', '--task', 'verify', '--within', 'soon'],
    ['schedule', 'add', 'x', 'file:./b', '--cron', '@daily', '--task', 'verify', '--rolling', 'soon'],
  ],
  ...['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'within', 'continuous'].map(
    (rule) =>
      [
        ['retention', 'file:./b', `--${rule}`, 'none'],
        ['retention', 'file:./b', `--keep-${rule}`, 'none'],
      ] as const,
  ),
  [
    ['backup', 'file:./b', '--follow', '--label', 'x'],
    ['backup', 'file:./b', '--continuous', '--label', 'x'],
  ],
  [
    ['restore', '--verify', '--folder', 'x'],
    ['restore', '--check', '--folder', 'x'],
  ],
  [
    ['--accept-head', 'ls'],
    ['--accept-rollback', 'ls'],
  ],
  [
    ['member', 'add', 'ann', '--group', 'none'],
    ['member', 'add', 'ann', '--store-keys', 'none'],
  ],
  [
    ['approval', 'request', 'read', 'k', '--of-version', 'x'],
    ['approval', 'request', 'read', 'k', '--version-id', 'x'],
  ],
  ...[
    ['--keep', '--replicate-back'],
    ['--reseal', '--reencrypt'],
  ].map(
    ([old = '', now = '']) =>
      [
        ['migrate', old],
        ['migrate', now],
      ] as const,
  ),
  ...[
    ['--lost', '--fail-back'],
    ['--retire', '--finalize'],
  ].map(
    ([old = '', now = '']) =>
      [
        ['migrate', old, '--cancel'],
        ['migrate', now, '--cancel'],
      ] as const,
  ),
];

/** The options of a command and of its actions, each with the command. */
function optionsOf({ name, options, commands: actions }: CommandHelp): (readonly [string, string])[] {
  return [...options.map(({ long }) => [long, name] as const), ...actions.flatMap(optionsOf)];
}

/** The options that more than one command takes, those of every command included. */
function shared(): string[] {
  const uses = [...common.map(({ long }) => [long, 'every'] as const), ...commands.flatMap(optionsOf)];
  const byName = Map.groupBy(uses, ([long]) => long);
  return [...byName].filter(([, ones]) => ones.length > 1).map(([long]) => long);
}

it('an option that two commands take has one meaning, which the table of them says', async () => {
  const page = await readFile(new URL('../../../docs/decisions/options.md', import.meta.url), 'utf8');
  const [, renamed = '', several = ''] = page.split(/^## .*$/m);
  const listed = [...several.matchAll(/^\| `(--[a-z-]+)` /gm)].map(([, name]) => name);
  expect(listed).toEqual(shared().toSorted());
  const now = JSON.stringify(commands) + JSON.stringify(common);
  for (const [, column = ''] of renamed.matchAll(/\| ([^|]+)\|$/gm))
    for (const [flag] of column.matchAll(/--[a-z][a-z-]+/g)) expect(now).toContain(`"${flag}"`);
});

describe('an old spelling', () => {
  it('does the same as the one that took its place', async () => {
    const box = await sandbox();
    for (const [old, now] of SPELLINGS) {
      const [before, after] = [await box.run(old), await box.run(now)];
      expect({ old, ...before }).toEqual({ old, ...after });
    }
  });

  it('shows in no help', async () => {
    expect((await runHere(['help', 'commands'])).stdout).not.toMatch(/^ {2}(?:keys|slots|collect) /m);
    for (const { name } of commands) {
      expect((await runHere(['help', name])).stdout).not.toMatch(
        /--census|--(?:within|accept-head|reseal|retire|lost|of-version|group)\b|securestore (?:keys|slots|collect)\b/,
      );
    }
  });
});

describe.each(NOUNS)('$name', ({ name, commands: actions }) => {
  it('lists or shows without an action, as with list', async () => {
    const box = await sandbox();
    // What needs an operand says the same of it.
    const listed = await box.run([name, 'list']);
    expect(listed.stderr).not.toContain('the action of');
    if (actions.some((action) => action.operands.some(({ required }) => required)) && name === 'meta') return;
    const bare = await box.run([name]);
    const stable = ({ stdout, stderr, exitCode }: typeof bare): unknown => ({ stdout, stderr, exitCode });
    expect(stable(bare)).toEqual(stable(listed));
  });
});

it('grant list lists what is granted', async () => {
  const box = await sandbox();
  expect(await box.run(['grant', 'list'])).toEqual(await box.run(['grant']));
});
