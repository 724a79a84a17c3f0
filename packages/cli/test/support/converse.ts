import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { COMMAND, finished, type Sandbox } from './cli.ts';

const CONVERSE: string = fileURLToPath(new URL('converse.py', import.meta.url));

/** A text that is waited for, and what is typed then. */
export type Exchange = readonly [expected: string, typed: string];

/** Whether terminals can be made here. */
export const hasTerminals: boolean = spawnSync('python3', ['-c', 'import pty']).status === 0;

export interface Conversation {
  readonly transcript: string;
  readonly exitCode: number;
}

/** Runs a command on a terminal of its own and talks to it. */
export async function converse(
  box: Sandbox,
  args: readonly string[],
  dialogue: readonly Exchange[],
  input: string | null = null,
): Promise<Conversation> {
  const child = spawn('python3', [CONVERSE]);
  const env = { ...box.env, TERM: 'xterm', NO_COLOR: '' };
  child.stdin.end(JSON.stringify({ argv: [...COMMAND, ...args], cwd: box.path(), env, dialogue, input }));
  const { exitCode, stdout, stderr } = await finished(child);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const conversation: Conversation = JSON.parse(stdout);
  return conversation;
}

/** A transcript in one line: what is longer than the terminal is wrapped on it. */
export function unwrapped({ transcript }: Conversation): string {
  return transcript.replaceAll(/\s+/g, ' ');
}
