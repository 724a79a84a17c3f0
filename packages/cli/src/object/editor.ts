import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { SecureStoreError, withoutOwn } from '@securestore/core-format';
import { refuse } from '../errors/refuse.ts';
import type { Cli } from '../terminal/cli-context.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
type Signal = (typeof SIGNALS)[number];

/** What keys of a terminal send to every process in front of it: they are the editor's while it runs. */
const FROM_KEYS: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT']);

/** What a shell ends with if there is no such command. */
const NO_COMMAND = 127;
const SIGNAL_BASE = 128;

/** The editor of the person, as a shell command. @throws SecureStoreError `INVALID_ARGUMENT` if none is set */
export function editorOf({ env }: Pick<Cli, 'env'>): string {
  const editor = [env['VISUAL'], env['EDITOR']].find((command) => command !== undefined && command.trim() !== '');
  if (editor !== undefined) return editor;
  return refuse('no editor is set: $VISUAL and $EDITOR are empty', { text: 'to set one', command: 'export EDITOR=vi' });
}

/**
 * What a shell runs: as for git, the variable may hold a command with arguments. The path is no part of it. The shell makes
 * way for a simple command, so that a signal reaches the editor and leaves none running without its file.
 */
function shellOf(editor: string): string {
  const isSimple = !/[;&|<>(){}`\n]/.test(editor);
  return `${isSimple ? 'exec env ' : ''}${editor} "$@"`;
}

/**
 * Runs an editor, with the signals of this process in its own hands: nothing ends it without {@link Editing.onEnd}. Disposing
 * it gives them up.
 */
export class Editing implements Disposable {
  readonly #cli: Cli;
  readonly #stopped = new AbortController();
  readonly #onEnd: () => void;
  readonly #handlers = new Map<Signal, () => void>();
  #child: ChildProcess | undefined;

  /** @param onEnd called before a second signal ends the process at once */
  constructor(cli: Cli, onEnd: () => void) {
    cli.signal.throwIfAborted();
    this.#cli = cli;
    this.#onEnd = onEnd;
    for (const name of SIGNALS) {
      const handler = (): void => this.#take(name);
      this.#handlers.set(name, handler);
      process.on(name, handler);
    }
    cli.releaseSignals();
  }

  /** Aborted by a signal that is not the editor's. */
  get signal(): AbortSignal {
    return AbortSignal.any([this.#stopped.signal, this.#cli.signal]);
  }

  #take(name: Signal): void {
    const child = this.#child;
    if (child !== undefined && FROM_KEYS.has(name)) {
      if (this.#cli.stdin.isTTY !== true) child.kill(name);
      return;
    }
    if (this.#stopped.signal.aborted) {
      this.#onEnd();
      this[Symbol.dispose]();
      process.kill(process.pid, name);
      return;
    }
    child?.kill(name);
    this.#stopped.abort(new SecureStoreError('ABORTED', 'interrupted. Your text was not stored.'));
  }

  /**
   * Lets a person edit a file.
   *
   * @param temporary where the editor is to keep its temporary files; by default where it does anyway
   * @throws SecureStoreError `INVALID_ARGUMENT` if the editor cannot be started, `ABORTED` if it fails
   */
  async run(editor: string, path: string, temporary: string | undefined): Promise<void> {
    const more = temporary === undefined ? {} : { TMPDIR: temporary };
    const code = await this.#spawn(editor, path, { ...withoutOwn(this.#cli.env), ...more });
    this.signal.throwIfAborted();
    if (code === 0) return;
    if (code === NO_COMMAND) {
      throw new SecureStoreError('INVALID_ARGUMENT', `cannot start the editor ${JSON.stringify(editor)}`);
    }
    throw new SecureStoreError('ABORTED', `the editor ended with exit code ${code}. Nothing was changed.`);
  }

  async #spawn(editor: string, path: string, env: Readonly<Record<string, string | undefined>>): Promise<number> {
    const child =
      this.#cli.platform === 'win32'
        ? spawn(`${editor} "${path}"`, { env, stdio: 'inherit', shell: true })
        : spawn('/bin/sh', ['-c', shellOf(editor), 'sh', path], { env, stdio: 'inherit' });
    this.#child = child;
    try {
      return await new Promise<number>((resolve) => {
        child.once('error', () => resolve(NO_COMMAND));
        child.once('close', (code, signal) => {
          resolve(code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]));
        });
      });
    } finally {
      this.#child = undefined;
    }
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
    this.#handlers.clear();
  }
}
