import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FsBackend } from '@securestore/backend-fs';
import { decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { keyFile, migrateStore } from 'securestore';
import { describe, it } from 'vitest';
import { backupScene } from '../support/backups.ts';
import { finished, jsonLines, sandbox } from '../support/cli.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

/** All that a migration says on stderr if the environment names the source. */
const STILL_SOURCE = /^\$SECURESTORE_URL still names the source; to change it: export SECURESTORE_URL=\S+\n$/;

/** What is refused; a short run tries every fourth. */
const REFUSED = [
  [['migrate'], 2, 'migrate needs the URL of the target'],
  [['migrate', 'FROM'], 2, 'the source and the target are the same'],
  [['migrate', 'NEW', '--store', 'NOWHERE'], 3, 'no store is here'],
  [['migrate', 'FROM', 'NEW', '--store', 'OTHER'], 2, 'the store URL and --store differ'],
  [['migrate', 'memory:'], 2, 'memory: cannot be the target: its content is lost when the command ends'],
  [['migrate', 'FROM', 'MEMORY:x', '--copy-only'], 2, 'memory: cannot be the target'],
  [['migrate', 'INSIDE'], 2, 'the target is inside the store'],
  [['migrate', 'NEW', '--dry-run'], 2, 'hint: did you mean --copy-only, which copies'],
  [['migrate', 'JUNK'], 2, 'error: /'],
  [['migrate', 'FROM', 'FROM'], 2, 'the source and the target are the same'],
  [['migrate', 'FROM', 'nowhere'], 2, 'hint: give a store URL such as sqlite:./vault.db'],
  [['migrate', 'FROM', 'nothing:x'], 2, 'unknown scheme nothing:'],
  [['migrate', 'FROM', 'slqite:./x.db'], 2, 'hint: did you mean sqlite:…'],
  [
    ['migrate', 'FROM', 'NEW', '--copy-only', '--replicate-back'],
    2,
    '--replicate-back cannot be used with --copy-only',
  ],
  [['migrate', 'FROM', '--cancel', '--finalize'], 2, '--cancel cannot be used with --finalize'],
  [['migrate', 'FROM', 'NEW', '--cancel'], 2, '--cancel takes the URL of the store and nothing else'],
  [['migrate', 'FROM', '--finalize', '--partial'], 2, '--finalize takes the URL of the store and nothing else'],
  [['migrate', 'FROM', '--fail-back', '--cancel'], 2, '--cancel cannot be used with --fail-back'],
  [['migrate', 'FROM', '--fail-back'], 3, 'the store has not moved away from'],
  [['migrate', 'FROM', '--fail-back', '--yes'], 3, 'the store has not moved away from'],
  [['migrate', 'NEW', 'FROM'], 3, 'no store is here'],
  [['migrate', 'FROM', '--cancel'], 3, 'the store is not being migrated'],
  [['migrate', '--cancel'], 3, 'the store is not being migrated'],
  [['migrate', 'FROM', 'BROKEN'], 5, 'head'],
  [['migrate', 'FROM', 'OTHER'], 6, '/other: the target already has another store. Nothing was changed.'],
  [
    ['migrate', 'FROM', 'redis://127.0.0.1:1/0'],
    7,
    'error: redis://127.0.0.1:1/0: redis: cannot open the store: the server cannot be reached',
  ],
  [
    ['migrate', 'redis://:pw@127.0.0.1:1/0', 'NEW'],
    7,
    'error: redis://***@127.0.0.1:1/0: redis: cannot open the store: the server',
  ],
  [['migrate', 'FROM', 'NEW', '--key-file', 'WRONG'], 9, 'does not unlock'],
] as const;

// Each waits for other processes: six seconds where the journal comes, six before a move.
describe.concurrent('migrate', { timeout: 180_000 }, () => {
  it('moves a store, says what it did and what to do next, and moves it back', async ({ expect, onTestFinished }) => {
    const { run, path, url } = await backupScene(onTestFinished);
    const to = `sqlite:${path('new.db')}`;
    const moved = await run(['migrate', url, to]);
    expect(moved).toMatchObject({
      exitCode: 0,
      stderr: `$SECURESTORE_URL still names the source; to change it: export SECURESTORE_URL=${to}\n`,
    });
    const lines = moved.stdout.split('\n');
    expect(lines[0]).toMatch(
      /^checked 4 objects, including deleted ones; this run wrote 4 versions of them, 29\d KiB, to sqlite:\S+$/,
    );
    expect(lines[1]).toMatch(/^the store is at sqlite:\S+ now; its calls waited for \d+ ms$/);
    expect(lines.slice(2)).toEqual([
      `changes are kept for seven days, for a migration back: securestore migrate ${to} ${url}`,
      `once you are sure, securestore migrate ${to} --finalize; then remove ${url}`,
      '',
    ]);
    const left = await run(['get', 'db/a']);
    expect(left.exitCode).toBe(7);
    expect(left.stderr).toContain(
      `the store has moved to ${to} [LOCKED]\nhint: to use it there: securestore --store ${to} get db/a `,
    );
    const health = await run(['health']);
    expect(health.stdout).toContain(`the store has moved to ${to}`);
    expect(health.stdout).toContain(`\n  open: open the store at ${to}\n`);
    expect(await run(['get', 'db/a', '--store', to])).toMatchObject({ exitCode: 0, stdout: 'first' });
    const again = await run(['migrate', url, to]);
    expect(again).toMatchObject({ exitCode: 0, stdout: `the store is at ${to} already: it was migrated before\n` });

    expect((await run(['put', 'db/later', '-', '--store', to], { input: 'later' })).exitCode).toBe(0);
    const back = await run(['migrate', to, url, '--json']);
    expect({ exitCode: back.exitCode, stderr: back.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonLines(back.stdout)).toMatchObject([
      { summary: { source: to, target: url, migrated: true, objects: 5, versions: 1, failures: 0, findings: [] } },
    ]);
    expect(await run(['get', 'db/later'])).toMatchObject({ exitCode: 0, stdout: 'later' });
    const cancelled = await run(['migrate', url, '--cancel']);
    expect(cancelled.exitCode).toBe(3);
    const backAgain = `hint: if it was migrated to this store URL, and is to go back: securestore migrate ${url} SOURCE`;
    expect(cancelled.stderr).toContain(backAgain);
    expect(await run(['migrate', url, '--finalize'])).toMatchObject({
      exitCode: 0,
      stdout: 'changes are no longer kept for a migration back: the source can be removed\n',
    });
    expect(jsonLines((await run(['migrate', url, '--finalize', '--json'])).stdout)).toEqual([{ retired: false, url }]);
  });

  it('advises --fail-back if the store is lost at the target', async ({ expect, onTestFinished }) => {
    const { run, path, url } = await backupScene(onTestFinished);
    const to = `file:${path('target')}`;
    expect((await run(['migrate', url, to])).exitCode).toBe(0);
    await rm(path('target'), { recursive: true });
    const hint = /^hint: if the store is lost there: securestore migrate --fail-back/m;
    expect((await run(['get', 'db/a'])).stderr).toMatch(hint);
    const again = await run(['migrate', url, to]);
    expect(again.exitCode).toBe(6);
    expect(again.stderr).toContain(`The store has left ${url} for ${to}.`);
    expect(again.stderr).toContain(`hint: if the store is lost there: securestore migrate ${url} --fail-back`);
    expect(again.stderr).not.toContain('to resume the migration');
    expect((await run(['migrate', url, '--fail-back', '--yes'])).exitCode).toBe(0);
    expect((await run(['get', 'db/a'])).stdout).toBe('first');
  });

  it('shows nothing of a store URL that may be a secret', async ({ expect, onTestFinished }) => {
    const { run, path } = await backupScene(onTestFinished);
    const url = `file:${path('vault?token=hunter2')}`;
    expect((await run(['init', url])).exitCode).toBe(0);
    for (const how of [['--finalize', '--json'], ['--cancel', '--json'], ['--fail-back']]) {
      const { stdout, stderr } = await run(['migrate', url, ...how]);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  it.runIf(LONG)(
    onlyLong('copies beforehand with --copy-only, and gives up with --cancel'),
    async ({ expect, onTestFinished }) => {
      const { run, path, url } = await backupScene(onTestFinished);
      const to = `sqlite:${path('missing', 'also', 'new.db')}`;
      const copied = await run(['migrate', url, to, '--copy-only']);
      const made = `creating the folder ${path('missing', 'also')}, and its parents from ${path('missing')} on, which do not exist\n`;
      expect(copied).toMatchObject({ exitCode: 0, stderr: made });
      expect(copied.stdout).toMatch(
        /\nthe store is still at file:\S+; the same command without --copy-only migrates it, and --cancel cancels the migration\n$/,
      );
      const elsewhere = await run(['migrate', url, `file:${path('other')}`]);
      expect(elsewhere).toMatchObject({ exitCode: 7, stdout: '' });
      expect(elsewhere.stderr).toContain(`the store is already being migrated to ${to} [LOCKED]\n`);
      expect(elsewhere.stderr).toContain('hint: to resume the migration: securestore migrate');
      expect((await run(['rotate', '--same-secret'])).stderr).toContain(
        'cannot rotate: the store is being migrated to another store URL [LOCKED]\n',
      );
      expect((await run(['migrate', url, '--finalize'])).exitCode).toBe(7);
      expect(await run(['migrate', url, '--cancel'])).toMatchObject({
        exitCode: 0,
        stdout:
          `the store stays at ${url}\n` +
          `the copy is still at ${to}: remove it before you use that store URL for anything else\n`,
      });
      expect((await run(['ls', '--store', to])).stderr).toMatch(
        /no store is here yet: a migration to this store URL has not ended, or was cancelled \[INTEGRITY\]\n/,
      );
      expect((await run(['rotate', '--depth', 'unlock', '--same-secret'])).exitCode).toBe(0);
      expect((await run(['migrate', url, to])).exitCode).toBe(0);
    },
  );

  it.for(REFUSED.filter((_row, at) => LONG || at % 4 === 0))(
    '%j ends with %i',
    async ([args, exitCode, message], { expect, onTestFinished }) => {
      const { run, path, url } = await backupScene(onTestFinished);
      await writeFile(path('wrong.key'), Buffer.alloc(32, 9), { mode: 0o600 });
      const places: Record<string, string> = {
        FROM: url,
        NEW: `sqlite:${path('new.db')}`,
        OTHER: `file:${path('other')}`,
        BROKEN: `file:${path('broken')}`,
        WRONG: path('wrong.key'),
        INSIDE: `file:${path('vault', 'deep', 'er')}`,
        NOWHERE: `file:${path('nowhere')}`,
        JUNK: `file:${path('junk')}`,
      };
      await mkdir(path('junk'));
      await writeFile(path('junk', 'x.txt'), '');
      for (const name of ['OTHER', 'BROKEN'] as const) {
        if (args.some((arg) => arg === name)) expect((await run(['init', places[name] ?? ''])).exitCode).toBe(0);
      }
      if (args.some((arg) => arg === 'BROKEN')) await writeFile(path('broken', 'store+'), 'x'.repeat(300));
      const refused = await run(args.map((arg) => places[arg] ?? arg));
      expect(refused).toMatchObject({ exitCode, stdout: '' });
      expect(refused.stderr).toContain(message);
      expect(await run(['get', 'db/a'])).toMatchObject({ exitCode: 0, stdout: 'first' });
    },
  );

  it('that fails says that the store is where it was, how it goes on, and how it is given up', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, path, url } = await backupScene(onTestFinished);
    const to = `file:${path('new')}`;
    expect((await run(['migrate', url, to, '--copy-only'])).exitCode).toBe(0);
    await rm(path('new', 'o'), { recursive: true });
    await writeFile(path('new', 'o'), '');
    const failed = await run(['migrate', url, to]);
    expect(failed).toMatchObject({ exitCode: 7, stdout: '' });
    expect(failed.stderr).toMatch(
      /^error: .*\. The store is still at (file:\S+)\. \[UNAVAILABLE\]\n(?:because: .*\n)?hint: to resume the migration: securestore migrate \1 .*\nhint: to cancel the migration: securestore migrate \1 --cancel/,
    );
    await rm(path('new', 'o'));
    expect((await run(['migrate', url, to])).exitCode).toBe(0);
  });

  it('that died before the store was open at the new place names the way out there, and is given up by it', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, path, url } = await backupScene(onTestFinished);
    const to = `file:${path('new')}`;
    const backend = new FsBackend();
    const write = backend.write.bind(backend);
    backend.write = async (key, body, options) => {
      if (key === HEAD_NAME && decodeHead(body).head.state === 'open')
        throw new SecureStoreError('UNAVAILABLE', 'gone');
      return write(key, body, options);
    };
    const unlock = keyFile(path('vault.key'));
    const moving = migrateStore(url, to, { unlock, destinations: { [to]: { backend } } });
    await expect(Promise.resolve(moving)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const there = await run(['get', 'db/a', '--store', to]);
    expect(there.exitCode).toBe(7);
    expect(there.stderr).toContain(
      `the store is not open here yet: its migration from ${url} has not ended [LOCKED]\n`,
    );
    expect(there.stderr).toContain('hint: to resume the migration: securestore migrate');
    expect(there.stderr).toContain('hint: to cancel the migration: securestore migrate');
    const cancelled = await run(['migrate', url, '--cancel']);
    expect(cancelled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(cancelled.stdout).toContain(`the store stays at ${url}`);
    expect(await run(['get', 'db/a'])).toMatchObject({ exitCode: 0, stdout: 'first' });
  });

  it('stays where it is with exit code 8 where something is damaged, and leaves that behind with --partial', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, path, url } = await backupScene(onTestFinished);
    const to = `sqlite:${path('new.db')}`;
    for (const area of ['o', 'b']) {
      const files = await readdir(path('vault', area), { recursive: true, withFileTypes: true });
      const all = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      // The record is not the one of the payload, since that is larger.
      const sized = await Promise.all(all.map(async (file) => ({ file, bytes: await readFile(file) })));
      const [first] = sized.toSorted((a, b) => a.bytes.length - b.bytes.length);
      first?.bytes.fill(0, first.bytes.length - 8);
      await writeFile(first?.file ?? '', first?.bytes ?? '');
    }
    const failed = await run(['migrate', url, to]);
    expect(failed).toMatchObject({ exitCode: 8, stderr: '' });
    expect(failed.stdout).toMatch(/^failed: (?:db\/[ab]|web\/c): the record is damaged.* \[INTEGRITY\]$/m);
    expect(failed.stdout).toMatch(/^failed: large: .* does not decrypt \[INTEGRITY\]$/m);
    expect(failed.stdout).toMatch(
      /\ndamaged, missing or too large: 2 names\nthe store is still at file:\S+\. .*--partial, which leaves these as they are\nthe same command resumes .* needs first\n$/,
    );
    const partial = await run(['migrate', url, to, '--partial', '--json']);
    expect(partial).toMatchObject({ exitCode: 8, stderr: '' });
    expect(jsonLines(partial.stdout)).toMatchObject([
      { name: expect.stringMatching(/^[ob]\//), code: 'INTEGRITY', status: 'failed' },
      { name: expect.stringMatching(/^[ob]\//), code: 'INTEGRITY', status: 'failed' },
      { summary: { migrated: true, failures: 2 } },
    ]);
    expect((await run(['ls', '--store', to])).exitCode).toBe(0);
  });

  it.runIf(LONG)(
    onlyLong('seals anew for another secret only, and says that it is done only to who has that'),
    async ({ expect, onTestFinished }) => {
      const { run, path, url } = await backupScene(onTestFinished);
      const to = `sqlite:${path('new.db')}`;
      const [present, key, other] = [path('vault.key'), path('new.key'), path('other.key')];
      const same = await run(['migrate', url, to, '--reencrypt', '--key-file', present, '--new-key-file', present]);
      expect(same).toMatchObject({ exitCode: 2, stdout: '' });
      expect(same.stderr).toContain('the new unlock secret is the current one. Nothing was changed.');
      expect((await run(['migrate', url, '--cancel', '--key-file', present])).exitCode).toBe(3);

      const reseal = (secret: string, ...more: string[]) =>
        run(['migrate', url, to, '--reencrypt', '--key-file', present, '--new-key-file', secret, ...more]);
      const begun = await reseal(key, '--suite', '2', '--copy-only');
      expect(begun).toMatchObject({ exitCode: 0 });
      expect(begun.stderr).toContain(`created the key file ${key}`);
      const differing = await reseal(key, '--suite', '1');
      expect(differing).toMatchObject({ exitCode: 7, stdout: '' });
      expect(differing.stderr).toMatch(
        /^error: the store is already being re-encrypted at .* with suite 2 \[LOCKED\]\nhint: to resume the migration: /m,
      );
      expect(await reseal(key)).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(STILL_SOURCE) });
      expect(await run(['get', 'db/a', '--store', to, '--key-file', key])).toMatchObject({
        exitCode: 0,
        stdout: 'first',
      });

      const again = await reseal(other);
      expect({ exitCode: again.exitCode === 0, stdout: again.stdout }).toEqual({ exitCode: false, stdout: '' });
      expect(await readFile(other).catch(() => undefined)).toBeUndefined();
      await writeFile(other, Buffer.alloc(32, 9), { mode: 0o600 });
      const wrong = await reseal(other);
      expect(wrong).toMatchObject({ exitCode: 9, stdout: '' });
      expect(wrong.stderr).toContain('the new unlock secret does not open the re-encrypted store');
      expect(await reseal(key)).toMatchObject({
        exitCode: 0,
        stdout: `the store is at ${to} already: it was migrated before\n`,
      });
    },
  );

  it('that another process is at says how to stop it, and then how to give it up', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, path, url } = await backupScene(onTestFinished);
    const to = `file:${path('new')}`;
    const moving = migrateStore(url, to, { unlock: keyFile(path('vault.key')) });
    const ending = moving.then(
      () => 'moved',
      (error: unknown) => (SecureStoreError.is(error) ? error.code : 'defect'),
    );
    const isThere = async (): Promise<boolean> => (await run(['job'])).stdout.includes('migration');
    await expect.poll(isThere, { timeout: 30_000 }).toBe(true);
    const refused = await run(['migrate', url, '--cancel']);
    expect(refused).toMatchObject({ exitCode: 7, stdout: '' });
    expect(refused.stderr).toMatch(
      /^error: another process is migrating the store \[LOCKED\]\nhint: .*\nhint: to stop it: securestore job cancel migration /,
    );
    expect(await run(['job', 'cancel', 'migration'])).toMatchObject({ exitCode: 0 });
    expect(await ending).toBe('ABORTED');
    const rotated = await run(['rotate', '--same-secret']);
    expect(rotated.stderr).toContain('cannot rotate: the store is being migrated to another store URL [LOCKED]\n');
    expect(rotated.stderr).toContain('hint: to cancel the migration: securestore migrate');
    const health = await run(['health', '--store', to]);
    expect(health.stdout).toContain('no store is here yet');
    expect(health.stdout).toContain('open: nothing is damaged: finish what was begun, or open the store where it is');
    expect(await run(['migrate', url, '--cancel'])).toMatchObject({ exitCode: 0 });
  });

  it('that is interrupted says how to go on, and the same command does', async ({ expect, onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.seed({ a: 'one' });
    const to = 'file:./new';
    const child = box.start(['migrate', 'sqlite:./vault', to]);
    const ending = finished(child);
    // It has begun when it has taken the new place.
    await expect.poll(() => readdir(box.path('new')).catch(() => []), { timeout: 60_000 }).not.toEqual([]);
    child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await ending;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
    expect(stderr).toMatch(
      /^error: interrupted \[ABORTED\]\nhint: the store is still at the source; to resume the migration: securestore migrate .*\nhint: to cancel the migration: securestore migrate .* --cancel\n$/m,
    );
    expect(await box.run(['get', 'a'])).toMatchObject({ exitCode: 0, stdout: 'one' });
    expect((await box.run(['migrate', 'sqlite:./vault', to])).exitCode).toBe(0);
    expect(await box.run(['get', 'a', '--store', to])).toMatchObject({ exitCode: 0, stdout: 'one' });
  });

  it.runIf(LONG)(
    onlyLong('with --replicate-back goes on bringing what changes until it is interrupted'),
    async ({ expect, onTestFinished }) => {
      const { run, path, url } = await backupScene(onTestFinished);
      const to = `sqlite:${path('new.db')}`;
      const controller = new AbortController();
      const keeping = Promise.withResolvers<void>();
      const onOutput = (text: string): void => {
        if (text.includes('are replicated to')) keeping.resolve();
      };
      const ending = run(['migrate', url, to, '--replicate-back'], { signal: controller.signal, onOutput });
      await Promise.race([keeping.promise, ending]);
      expect((await run(['put', 'kept', '-', '--store', to], { input: 'kept' })).exitCode).toBe(0);
      const written = async (): Promise<number> =>
        (await readdir(path('vault', 'o'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
          .length;
      await expect.poll(written, { timeout: 30_000 }).toBe(5);
      controller.abort();
      const { exitCode, stdout } = await ending;
      expect(exitCode).toBe(130);
      expect(stdout).toMatch(/\nstopped; replicated \d+ changes?, and later changes are kept for seven days\n$/);
      const back = await run(['migrate', to, url, '--json']);
      expect(jsonLines(back.stdout)).toMatchObject([{ summary: { migrated: true, objects: 5, versions: 0 } }]);
    },
  );

  it.runIf(LONG)(
    onlyLong('with --replicate-back ends well when the store moves back'),
    async ({ expect, onTestFinished }) => {
      const { run, path, url } = await backupScene(onTestFinished);
      const to = `sqlite:${path('new.db')}`;
      const keeping = Promise.withResolvers<void>();
      const onOutput = (text: string): void => {
        if (text.includes('are replicated to')) keeping.resolve();
      };
      const ending = run(['migrate', url, to, '--replicate-back'], { onOutput });
      await Promise.race([keeping.promise, ending]);
      expect((await run(['migrate', to, url])).exitCode).toBe(0);
      const { exitCode, stdout } = await ending;
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/\nthe store is being migrated back to file:\S+, so replication to it has ended\n$/);
    },
  );

  it.runIf(LONG)(onlyLong('remembers the store at its new place'), async ({ expect, onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.seed({ a: 'one' });
    // The store is that of the environment. A process of its own, since it is asked where anchors are.
    expect(await finished(box.start(['migrate', 'file:./new']))).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(STILL_SOURCE),
    });
    await rename(box.path('new'), box.path('elsewhere'));
    const lost = await box.run(['ls', '--store', 'file:./new']);
    expect(lost).toMatchObject({ exitCode: 5, stdout: '' });
    expect(lost.stderr).toContain('no store is here, though one was before');
  });
});
