import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandHelp, ProgramHelp } from '../src/help/describe.ts';
import { COMMAND, finished, type Result } from './support/cli.ts';
import { type ExampleSetup, FUNCTIONS, PROGRAMS, SETUPS, WORLD } from './support/help-examples.ts';
import { runHere } from './support/in-process.ts';

const { commands } = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;
const examplesOf = ({ examples, commands: actions }: CommandHelp): readonly string[] => [
  ...examples,
  ...actions.flatMap(examplesOf),
];
const EXAMPLES = [...new Set(commands.flatMap(examplesOf))];

const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

/** Always the same folder, since a store knows the whole path of a backup. */
let world = '';
let pristine = '';

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Runs lines of bash in the world, where `securestore` is this command line. */
async function bash(lines: string, until?: RegExp): Promise<Result> {
  const child = spawn('bash', ['-c', `set -e -o pipefail\n${FUNCTIONS}\n${lines}`], {
    cwd: join(world, 'here'),
    env: {
      PATH: `${join(world, 'bin')}:${process.env['PATH']}`,
      HOME: join(world, 'here'),
      XDG_STATE_HOME: join(world, 'here', 'state'),
      SECURESTORE_URL: 'sqlite:./vault.db',
      CREDENTIALS_DIRECTORY: join(world, 'here', 'credentials'),
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
    },
  });
  child.stdin.end();
  // A second interrupt would end it at once.
  let isInterrupted = false;
  const interruptAt = (text: Buffer): void => {
    if (isInterrupted || until?.test(text.toString()) !== true) return;
    isInterrupted = child.kill('SIGINT');
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', interruptAt);
  return await finished(child);
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-examples-'));
  [world, pristine] = [folder, join(folder, 'pristine')];
  await Promise.all([mkdir(join(world, 'bin')), mkdir(join(world, 'here'))]);
  const script = `#!/bin/sh\nexec ${COMMAND.map(quoted).join(' ')} "$@"\n`;
  await writeFile(join(world, 'bin', 'securestore'), script, { mode: 0o700 });
  expect(await bash(WORLD)).toMatchObject({ exitCode: 0 });
  await cp(join(world, 'here'), pristine, { recursive: true });
}, 600_000);

afterAll(async () => rm(world, { recursive: true, force: true }));

/** The example as a line to run: with what the reader puts in, and alone in its process if it is to be interrupted. */
function lineOf(example: string, { words = {}, append = '', until }: ExampleSetup): string {
  const filled = Object.entries(words).reduce((text, [word, value]) => text.replaceAll(word, value), example);
  return `${until === undefined ? '' : 'exec '}${filled}${append}`;
}

describe('the examples of the help', () => {
  it.for(EXAMPLES)('%s', async (example, { skip }) => {
    const program = PROGRAMS[example];
    if (program !== undefined && !has(program)) skip(`${program} is not installed`);
    const setup = SETUPS[example] ?? {};
    // A process that the example before has interrupted may still write its last file.
    await rm(join(world, 'here'), { recursive: true, maxRetries: 10 });
    await cp(pristine, join(world, 'here'), { recursive: true });
    const { before = ':', until, exitCode = 0 } = setup;
    const result = await bash(`{ ${before}\n} > before.log 2>&1\n${lineOf(example, setup)}`, until);
    expect(result.exitCode, result.stderr).toBe(exitCode);
    expect(result.stderr).not.toMatch(/^error: /m);
  });
});

it('no set-up is for an example that does not exist', () => {
  expect([...Object.keys(SETUPS), ...Object.keys(PROGRAMS)].filter((example) => !EXAMPLES.includes(example))).toEqual(
    [],
  );
});
