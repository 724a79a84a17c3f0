import { describe, expect, it } from 'vitest';
import type { CommandHelp, ProgramHelp } from '../src/describe.ts';
import { sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';

const { commands } = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;
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
];

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
      expect((await runHere(['help', name])).stdout).not.toMatch(/--census|securestore (?:keys|slots|collect)\b/);
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
