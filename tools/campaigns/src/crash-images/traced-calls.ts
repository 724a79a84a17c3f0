import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Call, callsOf } from '../tracer.ts';

/** Whatever changes names or contents, makes them durable, or says something. */
const TRACED: readonly string[] = [
  'execve,open,openat,openat2,creat,close,dup,dup2,dup3,mmap',
  'write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice',
  'truncate,ftruncate,fallocate,utimensat,fsync,fdatasync,sync,syncfs',
  'mkdir,mkdirat,rmdir,rename,renameat,renameat2',
  'link,linkat,symlink,symlinkat,unlink,unlinkat',
];
const MAX_STRING_BYTES = 64 * 1024 * 1024;

/** Runs a module of TypeScript to its end under a tracer. @throws Error if it fails */
export async function tracedCalls(
  program: string,
  args: readonly string[],
  log: string,
  env: Readonly<Record<string, string>>,
): Promise<Call[]> {
  // Strings are written in hexadecimal digits, so that no byte of a body looks like a part of the trace.
  const options = ['-f', '-qq', '-ttt', '-xx', '-s', `${MAX_STRING_BYTES}`, '-e', 'signal=none', '--seccomp-bpf'];
  const node = [process.execPath, '--conditions=@securestore/source', '--no-warnings', program, ...args];
  const child = spawn('strace', [...options, '-e', `trace=${TRACED.join(',')}`, '-o', log, ...node], {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    // Calls that go through a ring would not be traced.
    env: { ...process.env, ...env, UV_USE_IO_URING: '0' },
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`the recorded program failed: ${stderr}`);
  return callsOf(await readFile(log, 'latin1'));
}

/** The strings in what the tracer writes, such as paths and bodies. */
export function stringsIn(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map(([, digits = '', cut]) => {
    if (cut !== undefined) throw new Error('the tracer has cut a string');
    return Buffer.from(digits.replaceAll('\\x', ''), 'hex');
  });
}
