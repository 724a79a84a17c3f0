import { writeFile } from 'node:fs/promises';
import { keyFile, openStore } from 'securestore';
import type { TestContext } from 'vitest';
import { type Result, type Sandbox, sandbox } from './cli.ts';
import { runHere } from './in-process.ts';

export interface CategoryScene {
  readonly box: Sandbox;
  readonly env: Readonly<Record<string, string>>;
  readonly run: Run;
}

type Run = (args: readonly string[]) => Promise<Result>;

/** A store with a category of its own, and what runs a command on it, in this process. */
export async function withCategory(context: TestContext): Promise<Run> {
  return (await categoryScene(context)).run;
}

export async function categoryScene({ expect, onTestFinished }: TestContext): Promise<CategoryScene> {
  const box = await sandbox('none', onTestFinished);
  const url = `sqlite:${box.path('vault')}`;
  const key = box.path('securestore-key');
  await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 });
  const env = { SECURESTORE_URL: url, CREDENTIALS_DIRECTORY: box.path() };
  const run: Run = (args) => runHere([...args, '--no-anchor'], { env });
  expect((await run(['init', '--define-category', 'pii=users/**'])).exitCode).toBe(0);
  await using store = await openStore(url, { unlock: keyFile(key) });
  await store.store('users/1', 'personal');
  await store.store('users/1', 'personal, changed');
  await store.store('else', 'not');
  return { box, env, run };
}
