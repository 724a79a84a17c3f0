import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, fstatSync } from 'node:fs';
import process from 'node:process';
import type { Input, OutputStream } from './terminal/cli-context.ts';
import { run } from './run.ts';

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const controller = new AbortController();

function interrupt(): void {
  // The first signal stops cleanly; whoever sends a second one no longer wants to wait for that.
  if (controller.signal.aborted) stopAtOnce();
  controller.abort();
}

/** Not by `process.exit`, which waits for a file that is being opened and may never be. */
function stopAtOnce(): void {
  releaseSignals();
  process.kill(process.pid, 'SIGINT');
}

/** Node's own stream for a file takes half a write on a full disk for a whole one. */
function standardOutput(): OutputStream {
  return fstatSync(STDOUT).isFile() ? createWriteStream('', { fd: STDOUT, autoClose: false }) : process.stdout;
}

/** Node's own stream for a folder is empty, which `put < folder` would store. */
function standardInput(): Input {
  const isFolder = fstatSync(STDIN).isDirectory();
  return isFolder ? createReadStream('', { fd: STDIN, autoClose: false }) : process.stdin;
}

const STDIN = 0;
const STDOUT = 1;

function releaseSignals(): void {
  for (const name of INTERRUPTS) process.off(name, interrupt);
}

for (const name of INTERRUPTS) process.on(name, interrupt);

async function main(): Promise<void> {
  const exitCode = await run(process.argv.slice(2), {
    stdin: standardInput(),
    stdout: standardOutput(),
    stderr: process.stderr,
    env: process.env,
    script: process.argv[1],
    platform: process.platform,
    now: () => new Date(),
    random: randomBytes,
    signal: controller.signal,
    releaseSignals,
  });
  // A pipe on stdin that no process writes to or closes must not keep a finished command alive.
  process.exit(exitCode);
}

// No top-level await: `bin/securestore.cjs` loads this with `require`.
void main();
