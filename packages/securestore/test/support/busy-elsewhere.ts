import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { startProcess } from '../../../objects/test/processes/worker-process.ts';
import type { Acknowledged, Busy } from './busy.ts';

const PROGRAM = fileURLToPath(new URL('./busy-process.ts', import.meta.url));

/** Has another process write with two writers, from its first write on. @param other where the store may move to */
export async function busyElsewhere(url: string, other: string, prefix: string): Promise<Busy> {
  const { child, lines, ended, opened } = startProcess(PROGRAM, [url, other, prefix]);
  await opened;
  return {
    async stop() {
      child.stdin?.end();
      assert.equal(await ended, 0);
      return lines.map((line) => JSON.parse(line) as Acknowledged);
    },
  };
}
