import { spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A block of a page that begins with three backticks and `sh run`, or a comment, `<!-- sh run … -->`, with what the page takes for
 * done, such as that a server runs.
 */
export interface ShellBlock {
  /** The line of its first command, from 1. */
  readonly line: number;
  readonly commands: string;
  /** What the page says that it prints: the block of `text` that follows, if there is one. */
  readonly output: string | undefined;
}

const BLOCK = /^```sh run\n([^]*?)^```$(?:\n+```text\n([^]*?)^```$)?|^<!-- sh run\n([^]*?)^-->$/gm;

/** The blocks of a page that are meant to be run, in their order. */
export function shellBlocksIn(markdown: string): ShellBlock[] {
  return [...markdown.matchAll(BLOCK)].map(({ index, 1: shown, 2: output, 3: hidden = '' }) => ({
    line: markdown.slice(0, index).split('\n').length + 1,
    commands: shown ?? hidden,
    output,
  }));
}

/** Stands for the rest of a line, or, alone in a line, for any number of lines. */
const ELLIPSIS = '…';

/** Whether `printed` is what a page says, in which an ellipsis stands for what is different each time. */
export function isAsSaid(printed: string, said: string): boolean {
  const lines = said.trimEnd().split('\n');
  const pattern = lines.map((line) =>
    line.trim() === ELLIPSIS
      ? '(?:.*\\n)*?'
      : `${line
          .split(ELLIPSIS)
          .map((part) => RegExp.escape(part))
          .join('.*')} *\\n`,
  );
  return new RegExp(`^${pattern.join('')}$`).test(`${printed.trimEnd()}\n`);
}

const LIMIT_MS = 120_000;

/** What a program prints, all of whose processes end with it. @throws Error if it fails or takes too long */
async function outputOf(program: string, args: readonly string[], options: SpawnOptions): Promise<string> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  // Of its whole group: a page may start servers.
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const timer = setTimeout(end, LIMIT_MS);
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`A command of the page failed, or took too long. It printed:\n${printed}`);
    end();
    // Closed by the last process that could write to it.
    if (child.stdout !== null && !child.stdout.readableEnded) await once(child.stdout, 'end');
    return printed;
  } finally {
    clearTimeout(timer);
    end();
  }
}

/** What the comments of pages may call. */
const HELPERS = readFileSync(new URL('page-helpers.sh', import.meta.url), 'utf8');

/** A line that no command prints. */
const END_OF_BLOCK = '--- end of the block ---';

/**
 * Runs the blocks of a page in their order, in one shell that stops at the first failure, in a folder with nothing in it.
 *
 * @param command what `securestore` is, as program and arguments
 * @returns what each block printed, on stdout and stderr together
 */
export async function runPage(blocks: readonly ShellBlock[], command: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-page-'));
  const inFolder = (name: string): string => join(folder, name);
  const [bin, home, work] = [inFolder('bin'), inFolder('home'), inFolder('work')];
  const [derived, temp] = [inFolder('derived'), inFolder('temp')];
  try {
    await Promise.all([bin, home, work, derived, temp].map((path) => mkdir(path)));
    const shim = join(bin, 'securestore');
    await writeFile(shim, `#!/bin/sh\nexec ${command.map((part) => `'${part}'`).join(' ')} "$@"\n`);
    await chmod(shim, 0o755);
    const body = blocks.map(({ commands }) => `${commands}\necho '${END_OF_BLOCK}'\n`).join('');
    const script = `set -e\n${HELPERS}\nexec 2>&1\n${body}`;
    const env = {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: home,
      NO_COLOR: '1',
      COLUMNS: '100',
      // A reader is asked for it.
      SECURESTORE_PASSPHRASE: 'correct horse battery staple',
      // The commands share compiled code and derived keys.
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
      ARGON2_ONCE: derived,
      // Servers that are killed at the end leave their files here.
      TMPDIR: temp,
    };
    const stdout = await outputOf('bash', ['-c', script], { cwd: work, env });
    return stdout.split(`${END_OF_BLOCK}\n`).slice(0, -1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
