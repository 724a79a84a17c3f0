import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Acknowledged, Busy } from './busy.ts';

const PROGRAM = fileURLToPath(new URL('./busy-process.ts', import.meta.url));

/** Has another process write with two writers, from its first write on. @param other where the store may move to */
export async function busyElsewhere(location: string, other: string, prefix: string): Promise<Busy> {
  const written: Acknowledged[] = [];
  const first = Promise.withResolvers<void>();
  const child = spawn(
    process.execPath,
    ['--conditions=@securestore/source', '--no-warnings', PROGRAM, location, other, prefix],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  createInterface({ input: child.stdout }).on('line', (line) => {
    written.push(JSON.parse(line) as Acknowledged);
    first.resolve();
  });
  await Promise.race([first.promise, ended]);
  return {
    async stop() {
      child.stdin.end();
      assert.deepEqual(await ended, [0, null]);
      return written;
    },
  };
}
