import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** Whatever changes names or contents, makes them durable, or says something. */
const TRACED: readonly string[] = [
  'execve,open,openat,openat2,creat,close,dup,dup2,dup3,mmap',
  'write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice',
  'truncate,ftruncate,fallocate,utimensat,fsync,fdatasync,sync,syncfs',
  'mkdir,mkdirat,rmdir,rename,renameat,renameat2',
  'link,linkat,symlink,symlinkat,unlink,unlinkat',
];
const MAX_STRING_BYTES = 64 * 1024 * 1024;

/** A process that has ended. */
export interface Run {
  /** For {@link callsOf}. */
  readonly log: string;
  /** The lines that it wrote to its stdout. */
  readonly said: readonly string[];
}

/** The end of a process, in the place of a call. */
export interface Kill {
  /** One that no other thread changes anything beside: what it did at that moment would not be in the trace. */
  readonly call: string;
  /** Which call of that name, from 1. */
  readonly when: number;
}

/** What is run. */
export interface RunOptions {
  /** A module of TypeScript. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A new file. */
  readonly log: string;
  /** Where it is killed, if it comes so far. */
  readonly kill?: Kill | undefined;
}

/** Runs a program under a tracer. @throws Error if it fails, but not if it was to be killed */
export async function traced({ program, args, env, log, kill }: RunOptions): Promise<Run> {
  // Strings are written in hexadecimal digits, so that no byte of a body looks like a part of the trace.
  const options = ['-f', '-qq', '-ttt', '-xx', '-s', `${MAX_STRING_BYTES}`, '-e', 'signal=none', '-o', log];
  // Filtered by the system it is faster, and can't send signals.
  const fault =
    kill === undefined ? ['--seccomp-bpf'] : ['-e', `inject=${kill.call}:error=EIO:signal=SIGKILL:when=${kill.when}`];
  const node = [process.execPath, '--conditions=@securestore/source', '--no-warnings', program, ...args];
  const child = spawn('strace', [...options, '-e', `trace=${TRACED.join(',')}`, ...fault, ...node], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    // Calls that go through a ring would not be traced.
    env: { ...process.env, ...env, UV_USE_IO_URING: '0' },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0 && kill === undefined) throw new Error(`the recorded program failed: ${stderr}`);
  return { log: await readFile(log, 'latin1'), said: stdout.split('\n').slice(0, -1) };
}

/** The strings in what the tracer writes, such as paths and bodies. */
export function stringsIn(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map(([, digits = '', cut]) => {
    if (cut !== undefined) throw new Error('the tracer has cut a string');
    return Buffer.from(digits.replaceAll('\\x', ''), 'hex');
  });
}
