import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { runHere } from './in-process.ts';
import { jsonLines, type Result, type RunOptions, type Sandbox } from './cli.ts';

/** What no error may repeat: payloads, metadata, passphrases, tokens. */
export const CANARY = 'canary-4d1f';

/** An error that a command ends with. */
export interface Provoked {
  readonly args: readonly string[];
  readonly exitCode: number;
  readonly code: string;
  /** What the headline must say. */
  readonly says?: string | RegExp;
  /** What the caller has given, which the length of a headline does not count. */
  readonly own?: readonly string[];
  /** What some hint must say. */
  readonly hints?: readonly string[];
  /** How commands of hints end, by their beginning; 0 by default. The words in capitals of others are for a person to replace. */
  readonly ends?: Readonly<Record<string, number>>;
  /** Commands of hints that destroy, or have no end: they are not run. */
  readonly unrun?: readonly string[];
  readonly options?: RunOptions;
  readonly run?: (args: readonly string[], options?: RunOptions) => Promise<Result>;
}

const LONGEST = 100;
const NO_BEGINNING = /^(?:it|this|what|there|whoever)\b/i;
const PLACEHOLDER = /(?:^|=)[A-Z]{3,}(?:=|$)/;

/** The words that a shell makes of a line. Without quotes, or anything else that means something to a shell, no process is needed. */
function words(line: string): string[] {
  if (/^securestore [\w ./:=,@-]+$/.test(line)) return line.split(' ').slice(1);
  const printed = execFileSync('/bin/sh', ['-c', `securestore() { printf '%s\\0' "$@"; }\n${line}`], {
    encoding: 'utf8',
  });
  return printed.split('\0').slice(0, -1);
}

/** What the store or the clock has given: fingerprints, IDs and times. */
const GIVEN = /\b(?:[0-9a-v]{52}|[0-9a-f]{16}|\d{4}-\d\d-\d\dT[\d:.]+Z)/g;

/** The headline of an error: its first sentence, without what the caller or the store has given. */
function headlineOf(line: string, code: string, own: readonly string[]): string {
  const message = line.replace(/^error: /, '').replace(` [${code}]`, '');
  const [first = ''] = message.replace(GIVEN, '').split(/\. (?=[A-Z])/);
  return own
    .toSorted((one, other) => other.length - one.length)
    .reduce((text, value) => text.replaceAll(value, ''), first);
}

interface Help {
  readonly commands: readonly { readonly name: string; readonly options: readonly { readonly long: string }[] }[];
  readonly options: readonly { readonly long: string }[];
}

let help: Help | undefined;

/** Sees that a command knows the options that a hint gives it. */
async function expectKnown(line: readonly string[]): Promise<void> {
  const [verb = ''] = line.filter((word) => !word.startsWith('-'));
  help ??= JSON.parse((await runHere(['help', '--json'])).stdout) as Help;
  const { commands, options } = help;
  const command = commands.find(({ name }) => name === verb);
  expect(command, `the command ${verb}`).toBeDefined();
  const known = new Set([...(command?.options ?? []), ...options].map(({ long }) => long));
  for (const word of line) {
    if (word === '--') break;
    if (word.startsWith('--')) expect(known, line.join(' ')).toContain(word.replace(/=[^]*$/, ''));
  }
}

/** Runs the command of a hint, or sees that it could be run. */
async function follow(box: Sandbox, command: string, { ends = {}, unrun = [], options, run }: Provoked): Promise<void> {
  if (!command.startsWith('securestore ')) {
    execFileSync('/bin/sh', ['-c', command], { cwd: box.path() });
    return;
  }
  const line = words(command);
  if (unrun.some((start) => command.startsWith(start)) || line.some((word) => PLACEHOLDER.test(word))) {
    await expectKnown(line);
    return;
  }
  const expected = Object.entries(ends).find(([start]) => command.startsWith(start))?.[1] ?? 0;
  const result = await (run ?? box.run)(line, options);
  expect([command, result.exitCode, result.exitCode === expected ? '' : result.stderr]).toEqual([
    command,
    expected,
    '',
  ]);
}

/** Provokes an error, and sees that a person can read it, that it tells nothing secret, and that its hints work. */
export async function provoke(box: Sandbox, given: Provoked): Promise<Result> {
  const { args, exitCode, code, says, own = [], hints = [], options, run = box.run } = given;
  const result = await run(args, options);
  const about = args.join(' ');
  expect([about, result.exitCode, result.stdout], result.stderr).toEqual([about, exitCode, '']);
  const lines = result.stderr.trimEnd().split('\n');
  const error = lines.find((line) => line.startsWith('error: ')) ?? '';
  expect(error, about).toContain(` [${code}]`);
  const headline = headlineOf(error, code, [...own, box.path()]);
  expect(headline.length, headline).toBeLessThanOrEqual(LONGEST);
  expect(headline).not.toMatch(NO_BEGINNING);
  if (says !== undefined) expect(error).toMatch(says);
  expect(result.stdout + result.stderr).not.toContain(CANARY);
  const said = lines.filter((line) => line.startsWith('hint: ')).map((line) => line.slice('hint: '.length));
  expect(said.length, about).toBeLessThanOrEqual(3);
  for (const hint of hints) expect(said.join('\n'), about).toContain(hint);
  const isExplained = ['INTEGRITY', 'ROLLBACK', 'LOCKED', 'KEY_DESTROYED'].includes(code);
  const pages = lines.filter((line) => line.startsWith('see: '));
  expect(pages, about).toEqual(isExplained ? [expect.stringMatching(`#${code.toLowerCase()}$`)] : []);
  for (const hint of said) {
    const command = /: ((?:securestore|rm|chmod) .*)$/.exec(hint)?.[1];
    if (command !== undefined) await follow(box, command, given);
  }
  return result;
}

/** The one line that an error is with `--json`. */
export async function provokeJson(box: Sandbox, { args, code, run = box.run, options }: Provoked): Promise<object> {
  const { stderr } = await run(['--json', ...args], options);
  expect(stderr).not.toContain(CANARY);
  const [line, ...more] = jsonLines(stderr);
  expect(more).toEqual([]);
  expect(line).toMatchObject({ code });
  return line ?? {};
}
