import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { atEnd } from '../support/stores.ts';

/** A process that a test has started. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly lines: string[];
  /** Resolves to its exit code, or to the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Resolves when it has printed its first line. */
  readonly opened: Promise<void>;
}

/** Starts a program from source; it is killed when the test ends. */
export function startProcess(program: string, args: readonly string[]): WorkerProcess {
  // One thread collects garbage, since the processors are busy with other processes.
  const flags = ['--conditions=@securestore/source', '--no-warnings', '--single-threaded-gc'];
  const child = spawn(process.execPath, [...flags, program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  atEnd(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const opened = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    opened.resolve();
  });
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    opened.reject(new Error('the process ended before it opened the store'));
    return code ?? signal ?? 'unknown';
  });
  opened.promise.catch(() => undefined);
  return { child, lines, ended, opened: opened.promise };
}
