import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { atEnd } from '../support/stores.ts';

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** What the process says where it stands still. */
export interface Stop {
  readonly stage: string;
  /** The random bytes that it has taken, masked. */
  readonly told: readonly string[];
}

/** Starts a process whose memory is looked at. @param input what it reads first */
export function startWorker(
  program: string,
  args: readonly string[],
  input: readonly Buffer[],
): { child: Child; next: () => Promise<Stop> } {
  const flags = ['--expose-gc', '--conditions=@securestore/source', '--no-warnings'];
  const child = spawn(process.execPath, [...flags, program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  atEnd(() => void child.kill('SIGKILL'));
  for (const bytes of input) child.stdin.write(bytes);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Stop> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the process has ended');
    return JSON.parse(value) as Stop;
  };
  return { child, next };
}

/** Until it blocks in its read: nothing of it moves then. */
export async function whenStill(): Promise<void> {
  await new Promise((done) => setTimeout(done, 150));
}

/** What a process has told of under the mask that it was given. */
export function unmask(hex: string, mask: Buffer): Buffer {
  return Buffer.from(Buffer.from(hex, 'hex').map((byte, at) => byte ^ (mask[at] ?? 0)));
}
