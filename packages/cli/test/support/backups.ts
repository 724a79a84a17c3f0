import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { createStore, keyFile, openStore, type SecureStore } from 'securestore';
import type { TestContext } from 'vitest';
import { type Result, type Sandbox, sandbox } from './cli.ts';
import { runHere, type Surroundings } from './in-process.ts';

/** A store in a folder, and beside it a folder with its backups. */
export interface BackupScene {
  readonly box: Sandbox;
  readonly path: Sandbox['path'];
  readonly url: string;
  readonly destination: string;
  /** Runs a command on the store, in this process. */
  readonly run: (args: readonly string[], surroundings?: Surroundings) => Promise<Result>;
  /** Uses the store through the library. */
  readonly using: (use: (store: SecureStore) => Promise<void>) => Promise<void>;
  /** Takes the store away, as a disaster does. */
  readonly lose: () => Promise<void>;
}

/** The hook of the test that a scene is for: several of them run at a time. */
type OnEnd = TestContext['onTestFinished'];

/** A scene with a store that has `db/a`, `db/b`, `web/c` and something large, and no backup yet. */
export async function backupScene(onEnd: OnEnd): Promise<BackupScene> {
  const box = await sandbox('none', onEnd);
  const { path } = box;
  const key = path('vault.key');
  await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 });
  const url = `file:${path('vault')}`;
  const unlock = keyFile(key);
  const store = await createStore(url, { unlock });
  await store.store('db/a', 'first');
  await store.store('db/b', 'b', { metadata: { owner: 'ops' } });
  await store.store('web/c', 'c');
  await store.store('large', randomBytes(300_000));
  await store.close();
  return {
    box,
    path,
    url,
    destination: `file:${path('backup')}`,
    run: (args, { env, ...surroundings } = {}) =>
      runHere([...args, '--no-anchor', ...(args.some((arg) => arg.endsWith('-file')) ? [] : ['--key-file', key])], {
        ...surroundings,
        env: { SECURESTORE_URL: url, ...env },
      }),
    using: async (use) => {
      await using open = await openStore(url, { unlock, maintenance: false });
      await use(open);
    },
    lose: () => rm(path('vault'), { recursive: true }),
  };
}

/** With a snapshot of how it was first; since then `db/a` has changed, `db/b` is deleted and `db/new` was stored. */
export async function changedScene(onEnd: OnEnd): Promise<BackupScene> {
  const scene = await backupScene(onEnd);
  const made = await scene.run(['backup', scene.destination, '--label', 'first']);
  if (made.exitCode !== 0) throw new Error(made.stderr);
  await scene.using(async (store) => {
    await store.store('db/a', 'second');
    await store.delete('db/b');
    await store.store('db/new', 'new');
  });
  return scene;
}
