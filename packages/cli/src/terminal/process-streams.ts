import { createReadStream, createWriteStream, fstatSync } from 'node:fs';
import process from 'node:process';
import type { Input, OutputStream } from './cli-context.ts';

const STDIN = 0;
const STDOUT = 1;

/** Standard output. Node's own stream for a file takes half a write on a full disk for a whole one. */
export function standardOutput(): OutputStream {
  return fstatSync(STDOUT).isFile() ? createWriteStream('', { fd: STDOUT, autoClose: false }) : process.stdout;
}

/** Standard input. Node's own stream for a folder is empty, which `put < folder` would store. */
export function standardInput(): Input {
  const isFolder = fstatSync(STDIN).isDirectory();
  return isFolder ? createReadStream('', { fd: STDIN, autoClose: false }) : process.stdin;
}
