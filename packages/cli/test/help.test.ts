import { spawnSync } from 'node:child_process';
import { ERROR_CODES } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { CommandHelp, OptionHelp, ProgramHelp } from '../src/help/describe.ts';
import { runHere } from './support/in-process.ts';

/** The output of each command line: tests of the same page print it once. */
const PRINTED = new Map<string, string>();

const told = async (...args: readonly string[]): Promise<string> => {
  const line = JSON.stringify(args);
  const before = PRINTED.get(line);
  if (before !== undefined) return before;
  const { exitCode, stdout, stderr } = await runHere(args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  PRINTED.set(line, stdout);
  return stdout;
};
const described = async (): Promise<ProgramHelp> => JSON.parse(await told('help', '--json')) as ProgramHelp;
const COMMANDS: readonly CommandHelp[] = (await described()).commands;
/** Every command and action, with the words that lead to it. */
const pathsOf = (
  { name, commands, ...rest }: CommandHelp,
  before: readonly string[] = [],
): (Omit<CommandHelp, 'commands'> & { readonly path: readonly string[] })[] => [
  { ...rest, name, path: [...before, name] },
  ...commands.flatMap((one) => pathsOf(one, [...before, name])),
];
const ALL = COMMANDS.flatMap((command) => pathsOf(command));
const longest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));

describe('the first help', () => {
  it('fits on a screen, and names every command once more than those to begin with', async () => {
    const help = await told('--help');
    expect(help.trimEnd().split('\n').length).toBeLessThanOrEqual(35);
    expect(longest(help)).toBeLessThanOrEqual(80);
    for (const { name } of COMMANDS) expect(help).toMatch(new RegExp(`(?:^|\\s)${name}(?:\\s|$)`));
    expect((await runHere([])).stderr).toBe(help);
    expect(await told('help')).toBe(help);
  });

  it('leads to pages that have the rest', async () => {
    const { options, environment, exitCodes } = await described();
    const commands = await told('help', 'commands');
    for (const { name, summary } of COMMANDS) {
      expect(commands).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
      expect(commands.replaceAll(/\s+/g, ' ')).toContain(summary);
    }
    const common = await told('help', 'options');
    for (const { flags } of options) expect(common).toContain(flags);
    const variables = await told('help', 'environment');
    for (const { name } of environment) expect(variables).toContain(name);
    expect(variables.replaceAll(/\s+/g, ' ')).toMatch(/only the first in this order is used: .*KEY_FILE.*a prompt/);
    const codes = await told('help', 'exit-codes');
    for (const { code, meaning } of exitCodes) expect(codes).toMatch(new RegExp(`^ {2}${code} +${meaning}`, 'm'));
    for (const code of ERROR_CODES) expect(codes).toContain(code);
    for (const page of [commands, common, variables, codes]) expect(longest(page)).toBeLessThanOrEqual(80);
  });
});

describe.each(COMMANDS)('the help of $name', ({ name, summary, options, examples }) => {
  it('has its own options and examples, and says where the others are', async () => {
    const help = await told(name, '--help');
    expect(await told('help', name)).toBe(help);
    expect(help).toContain(`Usage: securestore ${name}`);
    expect(help.toLowerCase().replaceAll(/\s+/g, ' ')).toContain(summary.toLowerCase());
    for (const { flags } of options) expect(help).toContain(flags);
    for (const example of examples) expect(help).toContain(`  ${example}`);
    expect(help).not.toMatch(/--passphrase-file <file> {2}/);
    expect(help.trimEnd().endsWith('Options of every command: securestore help options')).toBe(true);
    expect(await told('help', name, '--json')).toBe(`${JSON.stringify(COMMANDS.find((one) => one.name === name))}\n`);
  });
});

it.each(ALL.map(({ path, ...rest }) => [path.join(' '), { path, ...rest }] as const))(
  'the help of %s has one or two examples, and options of its own',
  async (name, { path, summary, options, examples }) => {
    const help = await told(...path, '--help');
    expect(await told('help', ...path)).toBe(help);
    expect(help).toContain(`Usage: securestore ${name}`);
    expect(help.toLowerCase().replaceAll(/\s+/g, ' ')).toContain(summary.toLowerCase());
    for (const { flags } of options) expect(help).toContain(flags);
    expect(examples.length).toBeGreaterThanOrEqual(1);
    expect(examples.length).toBeLessThanOrEqual(2);
    for (const example of examples) expect(help).toContain(`  ${example}\n`);
    // Where an example is a pipe, or sets a variable, the command need not come first.
    const [noun = ''] = path;
    for (const example of examples) expect(example).toMatch(/\bsecurestore [a-z]/);
    if (path.length > 1) expect(examples[0]).toContain(`securestore ${name}`);
    else expect(examples.some((example) => example.includes(`securestore ${noun}`) || noun === 'identity')).toBe(true);
  },
);

/** What the terms of the project say otherwise: the left column of its table, and pronouns without an actor. */
const OTHERWISE =
  /\b(?:somebody|nobody|everybody|anybody|someone|whoever|whom|brought|brings?|gone on|goes? on|told|tells?|said|lies|lay|sealed?|anew|re-?seal|re-?key|renews?|moments?|census|strays?|problems?|alarms?|trouble|upkeep|retire|reclaim|head of the store|in the place of|who asks)\b/i;

it.each(ALL.map(({ path }) => [path.join(' '), path] as const))('the help of %s fits 80 columns', async (_, path) => {
  expect(longest(await told('help', ...path))).toBeLessThanOrEqual(80);
});

const optionOf = (name: string, long: string): OptionHelp | undefined =>
  ALL.find(({ path }) => path.join(' ') === name)?.options.find((option) => option.long === long);

it('of a noun names the help that has the options of its actions', async () => {
  for (const [noun, action] of [
    ['member', 'add'],
    ['slot', 'add'],
    ['audit', 'on'],
  ] as const) {
    const line = `\nOptions of an action: securestore help ${noun} ${action}\n`;
    expect((await runHere(['help', noun])).stdout).toContain(line);
    expect((await runHere([noun, '--help'])).stdout).toContain(line);
  }
  expect((await runHere(['help', 'ls'])).stdout).not.toContain('Options of an action');
});

it('of init tells the defaults', async () => {
  const text = (await runHere(['help', 'init'])).stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain('whether the backend sees names encrypted or plain (default: encrypted) (encrypted, plain)');
  expect(text).toContain('keep (default: 10)');
});

it('says what is used without an option, and which options are needed', async () => {
  expect(optionOf('serve', '--port')).toMatchObject({ default: '8420', required: false });
  expect(optionOf('rotate', '--depth')).toMatchObject({ default: 'keys' });
  expect(optionOf('generate', '--charset')).toMatchObject({ default: 'alnum' });
  expect(optionOf('init', '--suite')).toMatchObject({ default: '1' });
  expect(optionOf('ls', '--long')).not.toHaveProperty('default');
  for (const [name, long] of [
    ['schedule add', '--cron'],
    ['audit on', '--auditor'],
    ['audit verify', '--auditor-identity'],
  ] as const) {
    expect(optionOf(name, long)).toMatchObject({ required: true });
    expect((await told('help', ...name.split(' '))).replaceAll(/\s+/g, ' ')).toMatch(
      new RegExp(`${long} .*\\(required\\)`),
    );
  }
});

it('tells of serve first what most people need, and where it listens', async () => {
  const help = (await told('help', 'serve')).replaceAll(/\s+/g, ' ');
  expect(help).toMatch(
    /Options: --host.*\(default: 127\.0\.0\.1\) --port.*\(default: 8420\).* Signing in: .* Console: /,
  );
  expect(help.indexOf('SIGTERM')).toBeLessThan(help.indexOf('An --oidc file'));
});

it('tells of schedules how old snapshots are removed, and what keeps them running', async () => {
  const help = (await told('help', 'schedule')).replaceAll(/\s+/g, ' ');
  for (const what of ['--task retention', 'schedule run --once', 'systemd']) expect(help).toContain(what);
  expect((await told('help', 'role', 'add')).replaceAll(/\s+/g, ' ')).toContain('db/** matches both');
});

it('the help has the words that the project has agreed on', () => {
  for (const { path, summary, notes, options } of ALL) {
    for (const text of [summary, notes, ...options.map(({ description }) => description)])
      expect([path.join(' '), OTHERWISE.exec(text.replaceAll('\n', ' '))?.[0]]).toEqual([path.join(' '), undefined]);
  }
});

describe('the manual page', () => {
  it('has every command, option, variable and exit code', async () => {
    const page = (await told('man')).replaceAll(String.raw`\-`, '-').replaceAll(String.raw`\e`, '\\');
    const { options, environment, exitCodes } = await described();
    for (const { usage } of COMMANDS) expect(page).toContain(usage);
    for (const { flags } of [...options, ...COMMANDS.flatMap((command) => command.options)]) {
      expect(page).toContain(flags);
    }
    for (const { name } of environment) expect(page).toContain(name);
    for (const { meaning } of exitCodes) expect(page).toContain(meaning);
  });

  const hasMan = spawnSync('man', ['--version']).status === 0;
  it.skipIf(!hasMan)('is read without a warning (skipped if man is not installed)', async () => {
    const page = await told('man');
    const { status, stderr } = spawnSync('man', ['--warnings', '-l', '-'], { input: page, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

it('an unknown topic or action is wrong usage', async () => {
  for (const args of [
    ['help', 'frobnicate'],
    ['help', 'put', 'frobnicate'],
  ]) {
    const { exitCode, stderr } = await runHere(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("unknown command 'frobnicate'");
  }
});
