import { basename } from 'node:path';

/** A program and its arguments that run npm: the npm that runs this process, or the one on the `PATH`. */
export function npmCommand(args: readonly string[]): readonly [program: string, args: readonly string[]] {
  const running = process.env['npm_execpath'];
  const isNpm = running !== undefined && basename(running) === 'npm-cli.js';
  return isNpm ? [process.execPath, [running, ...args]] : ['npm', args];
}
