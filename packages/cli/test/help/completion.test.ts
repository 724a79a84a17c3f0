import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runHere } from '../support/in-process.ts';

const scriptFor = async (shell: string): Promise<string> => (await runHere(['completion', shell])).stdout;

/** Whether a shell is installed here. */
const hasShell = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

function output(shell: string, program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-completion-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // An argument may not be as long as the whole script.
  const file = join(folder, 'script');
  writeFileSync(file, program);
  const { status, stdout, stderr } = spawnSync(shell, [file], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What bash offers for the last of some words. */
function offeredByBash(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const asked = `COMP_WORDS=(securestore ${line}); COMP_CWORD=${words.length}; _securestore; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return output('bash', `${script}\n${asked}`).split('\n').filter(Boolean);
}

describe.skipIf(!hasShell('bash'))('bash (skipped if it is not installed)', () => {
  it.each<readonly [words: readonly string[], offered: unknown]>([
    [['undel'], ['undelete']],
    [['--store', 'x', 'undel'], ['undelete']],
    [['rotate', '--dep'], ['--depth']],
    [
      ['rotate', '--depth', ''],
      ['unlock', 'keys', 'data'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['get', 'key', '--key-file', '/etc/host'], expect.arrayContaining(['/etc/hosts'])],
    [['--token', ''], []],
  ])('completes %j', async (words, offered) => {
    expect(offeredByBash(await scriptFor('bash'), words)).toEqual(offered);
  });

  it('offers commands first, and options only after a hyphen', async () => {
    const script = await scriptFor('bash');
    expect(offeredByBash(script, [''])).toEqual(expect.arrayContaining(['init', 'put', 'get', 'ls']));
    expect(offeredByBash(script, ['']).filter((word) => word.startsWith('-'))).toEqual([]);
    expect(offeredByBash(script, ['ls', '-'])).toEqual(expect.arrayContaining(['--long', '-l', '--store']));
  });
});

describe.skipIf(!hasShell('fish'))('fish (skipped if it is not installed)', () => {
  it.each([
    ['undel', 'undelete'],
    ['rotate --dep', '--depth'],
    ['completion ', 'zsh'],
  ])('completes %j', async (line, offered) => {
    const script = await scriptFor('fish');
    const lines = output('fish', `${script}\ncomplete -C 'securestore ${line}'`).split('\n');
    expect(lines.map((one) => one.split('\t', 1)[0])).toContain(offered);
  });
});

describe.skipIf(!hasShell('zsh'))('zsh (skipped if it is not installed)', () => {
  it('knows the functions for which the script is', async () => {
    const script = await scriptFor('zsh');
    const program = `autoload -Uz compinit; compinit -u -D\n${script}\nprint $_comps[securestore] $+functions[_securestore_rotate]`;
    expect(output('zsh', program).trim()).toBe('_securestore 1');
  });
});

it.each(['bash', 'zsh', 'fish'])('the script for %s has every command and every option', async (shell) => {
  const { commands, options } = JSON.parse((await runHere(['help', '--json'])).stdout) as {
    readonly commands: readonly { readonly name: string; readonly options: readonly { readonly long: string }[] }[];
    readonly options: readonly { readonly long: string }[];
  };
  const script = await scriptFor(shell);
  for (const { name } of commands) expect(script).toContain(name);
  for (const { long } of [...options, ...commands.flatMap((command) => command.options)]) {
    expect(script).toContain(shell === 'fish' ? `-l ${long.slice(2)}` : long);
  }
});

it('another shell is wrong usage, with those that there are', async () => {
  const { exitCode, stderr } = await runHere(['completion', 'tcsh']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
