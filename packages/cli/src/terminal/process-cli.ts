import { randomBytes } from 'node:crypto';
import { createReadStream, fstatSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import type { Cli, Input, OutputStream } from './cli-context.ts';

const STDIN = 0;
const STDOUT = 1;

/**
 * Standard output. Node's own stream for a file takes half a write on a full disk for a whole one. A write to a file ends before
 * `write` returns, as those to stderr do: with `2>&1` both go to one file, in their order.
 */
function standardOutput(): OutputStream {
  if (!fstatSync(STDOUT).isFile()) return process.stdout;
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      try {
        writeFileSync(STDOUT, chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

/** Standard input. Node's own stream for a folder is empty, which `put < folder` would store. */
function standardInput(): Input {
  const isFolder = fstatSync(STDIN).isDirectory();
  return isFolder ? createReadStream('', { fd: STDIN, autoClose: false }) : process.stdin;
}

/**
 * Keeps V8's young generation at the size that it has, instead of up to 64 MiB. V8 reads this flag only when it is about to let the
 * generation grow, so it may be set at any time.
 */
function keepMemoryLow(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * The means of this process that the command line uses.
 *
 * @param signal aborts when the process is to stop
 * @param releaseSignals leaves signals to others
 */
export function processCli(signal: AbortSignal, releaseSignals: () => void): Cli {
  return {
    stdin: standardInput(),
    stdout: standardOutput(),
    stderr: process.stderr,
    env: process.env,
    script: process.argv[1],
    platform: process.platform,
    now: () => new Date(),
    random: randomBytes,
    signal,
    keepMemoryLow,
    releaseSignals,
  };
}
