import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keyFile, openStore } from 'securestore';
import { describe, it, type TestContext } from 'vitest';
import { COMMAND, type Result, type Sandbox, sandbox } from './support/cli.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const text = await readFile(new URL('../../../docs/trouble/disaster-recovery.md', import.meta.url), 'utf8');

interface Runbook {
  readonly title: string;
  readonly script: string;
}

/** The sections that have blocks to run, each with all of its blocks. */
const RUNBOOKS: readonly Runbook[] = text.split(/^## /m).flatMap((section) => {
  const [title = ''] = section.split('\n');
  const blocks = [...section.matchAll(/^```sh run\n([^]*?)^```/gm)].map(([, block]) => block ?? '');
  return blocks.length === 0 ? [] : [{ title, script: blocks.join('') }];
});

/** That of one test, of which several run at a time. */
type Expect = TestContext['expect'];

interface Disaster {
  /** What has happened since the second backup. */
  readonly strike: (box: Sandbox, expect: Expect) => Promise<unknown>;
  /** What must be so afterwards. */
  readonly check: (box: Sandbox, expect: Expect) => Promise<void>;
}

const remove = (box: Sandbox, ...names: string[]): Promise<unknown> =>
  Promise.all(names.map((name) => rm(box.path(name), { recursive: true })));

async function ok(running: Promise<Result>): Promise<string> {
  const { exitCode, stdout, stderr } = await running;
  if (exitCode !== 0) throw new Error(`the command ended with exit code ${exitCode}: ${stderr}`);
  return stdout;
}

/** Overwrites the files below a folder that are larger than `bytes`. */
async function scramble(folder: string, bytes = 0): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    const { length } = await readFile(path);
    if (length > bytes) await writeFile(path, randomBytes(length));
  }
}

const ALL = 'db/a\ndb/b\nlarge\nweb/c\n';

/** Whether a store holds what the second backup holds, by the options that reach it. */
async function isWhole(box: Sandbox, expect: Expect, ...options: string[]): Promise<void> {
  expect(await ok(box.run(['ls', ...options]))).toBe(ALL);
  expect(await ok(box.run(['get', 'db/a', ...options]))).toBe('second');
  expect(await ok(box.run(['get', 'web/c', ...options]))).toBe('c');
}

const DISASTERS: Readonly<Record<string, Disaster>> = {
  'One object is lost': {
    strike: async (box) => {
      await ok(box.run(['rm', 'db/a']));
      await ok(box.run(['purge', 'db/b', '--yes']));
      await box.seed({ 'web/c': 'wrong' });
    },
    check: async (box, expect) => {
      await isWhole(box, expect);
      expect(await readFile(box.path('db-b.txt'), 'utf8')).toBe('b');
    },
  },
  'A prefix is lost': {
    strike: async (box) => {
      for (const key of ['db/a', 'db/b']) await ok(box.run(['purge', key, '--yes']));
    },
    check: isWhole,
  },
  'The store is lost': {
    strike: (box) => remove(box, 'vault'),
    check: isWhole,
  },
  'Only the kit is left': {
    strike: (box) => remove(box, 'vault', 'state', 'credentials'),
    check: (box, expect) => isWhole(box, expect, '--key-file', 'securestore-key'),
  },
  'The migrated store is lost': {
    strike: async (box, expect) => {
      await ok(box.run(['migrate', 'file:./vault', 'file:./elsewhere']));
      await remove(box, 'elsewhere');
      expect((await box.run(['ls'])).stderr).toContain('has moved to');
    },
    check: (box, expect) => isWhole(box, expect),
  },
  'The newest snapshot is damaged': {
    // The payload that the second snapshot brought.
    strike: (box) => scramble(box.path('backup', 'b'), 200_000),
    check: async (box, expect) => {
      expect(await ok(box.run(['ls', '--store', 'file:./new']))).toBe('db/a\ndb/b\nweb/c\n');
      expect(await ok(box.run(['get', 'db/a', '--store', 'file:./new']))).toBe('first');
      expect(await ok(box.run(['ls', '--store', 'file:./new-newest']))).toBe('db/a\ndb/b\nweb/c\n');
      expect(await ok(box.run(['get', 'db/a', '--store', 'file:./new-newest']))).toBe('second');
    },
  },
  'A wrong rotation': {
    strike: async (box, expect) => {
      await ok(box.run(['rotate', '--new-key-file', 'lost.key']));
      await remove(box, 'lost.key');
      expect((await box.run(['ls'])).exitCode).toBe(9);
    },
    check: async (box, expect) => {
      await isWhole(box, expect, '--key-file', 'another-key');
      expect(await readFile(box.path('db-a.txt'), 'utf8')).toBe('second');
    },
  },
  'Ransomware at the backend': {
    strike: (box) => scramble(box.path('vault', 'o')),
    check: (box, expect) => isWhole(box, expect, '--store', 'file:./new'),
  },
  'The destination is lost': {
    strike: (box) => remove(box, 'backup'),
    check: async (box, expect) => {
      expect(await ok(box.run(['destinations']))).toMatch(
        /^DESTINATION +SINCE +KEEPS +STATE\nfile:\S+\/new +\S+ \S+Z +everything +present\n$/,
      );
      expect(await ok(box.run(['rotate', '--same-secret']))).not.toContain('not reached');
    },
  },
};

/** A store with a kit and two snapshots at `file:./backup`, of which the second has more. */
async function scene(onEnd: TestContext['onTestFinished']): Promise<Sandbox> {
  const box = await sandbox('file', onEnd);
  await ok(box.run(['slot', 'add', '--new-recovery-code', '--kit', 'kit.txt']));
  // Through the library, which takes no process for each.
  const unlock = keyFile(box.path('credentials', 'securestore-key'));
  await using store = await openStore(`file:${box.path('vault')}`, { unlock, maintenance: false });
  for (const [key, data] of Object.entries({ 'db/a': 'first', 'db/b': 'b', 'web/c': 'c' }))
    await store.store(key, data);
  await store.backup(`file:${box.path('backup')}`);
  await store.store('db/a', 'second');
  await store.store('large', randomBytes(300_000));
  await store.backup(`file:${box.path('backup')}`);
  return box;
}

/** What a short run tries of them: it knows the others only by their titles. */
const SHORT = 'Only the kit is left';

const isShort = ({ title }: Runbook): boolean => title === SHORT;

// Most of it is waiting for other processes, six seconds each time, so the runbooks wait side by side.
describe.concurrent('disaster recovery', { timeout: 300_000 }, () => {
  it('there is a disaster for every runbook', ({ expect }) => {
    expect(RUNBOOKS.map(({ title }) => title)).toEqual(Object.keys(DISASTERS));
  });

  type Context = Pick<TestContext, 'expect' | 'onTestFinished'>;
  const follow = async ({ title, script }: Runbook, { expect, onTestFinished }: Context): Promise<void> => {
    const { strike, check } = DISASTERS[title] ?? expect.unreachable();
    const box = await scene(onTestFinished);
    await strike(box, expect);
    const command = COMMAND.map((part) => `'${part}'`).join(' ');
    const env = { ...box.env, BACKUP: 'file:./backup', NEW: 'file:./new', KIT: './kit.txt' };
    const begun = performance.now();
    await promisify(execFile)('bash', ['-c', `set -eu\nsecurestore() { ${command} "$@"; }\n${script}`], {
      cwd: box.path(),
      env,
    });
    const seconds = (performance.now() - begun) / 1000;
    console.info(`${title}: ${seconds.toFixed(1)} s, ${script.trim().split('\n').length} commands`);
    await check(box, expect);
  };
  it.for(RUNBOOKS.filter(isShort))('the runbook "$title" does what it says', follow);
  it.runIf(LONG).for(RUNBOOKS.filter((runbook) => !isShort(runbook)))(
    onlyLong('the runbook "$title" does what it says'),
    follow,
  );
});
