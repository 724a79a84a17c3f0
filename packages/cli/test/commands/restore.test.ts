import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { changedScene } from '../support/backups.ts';
import { finished, jsonLines } from '../support/cli.ts';
import { converse, hasTerminals } from '../support/converse.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

const FROM = String.raw`from snapshot 1 of \S+ \S+Z`;

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side.
describe.concurrent('restore into the store', { timeout: 120_000 }, () => {
  it('puts back an object whose record is damaged, by each way that is named where it is in the way', async ({
    expect,
    onTestFinished,
  }) => {
    const scene = await changedScene(onTestFinished);
    const { run, destination, path } = scene;
    const folder = path('vault/o');
    const files = async (): Promise<string[]> => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
    };
    const before = new Map<string, string>();
    for (const file of await files()) before.set(file, (await readFile(file)).toString('hex'));
    const damage = async (): Promise<void> => {
      await scene.using(async (store) => void (await store.store('db/a', 'newest')));
      for (const file of await files()) {
        const body = await readFile(file);
        if (before.get(file) === body.toString('hex')) continue;
        body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
        await writeFile(file, body);
      }
    };
    const ways =
      /^error: "db\/a": the record is damaged.*securestore scrub [^\n]*--repair BACKUP.*securestore restore BACKUP [^\n]*--conflict overwrite.*securestore put [^\n]*--if-damaged.*\nsee: \S+#integrity\n$/s;
    await damage();
    const refused = await run(['put', 'db/a'], { input: 'x' });
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toMatch(ways);
    expect((await run(['rm', 'db/a'])).stderr).toMatch(/--conflict overwrite/);
    const scrubbed = await run(['scrub', '--repair', destination]);
    expect(scrubbed.exitCode).toBe(5);
    expect(scrubbed.stdout).toMatch(/securestore restore BACKUP --key KEY --conflict overwrite/);

    const one = ['restore', destination, '--key', 'db/a'];
    const inTheWay = await run(one);
    expect(inTheWay).toMatchObject({ exitCode: 6, stdout: '' });
    expect(inTheWay.stderr).toMatch(
      /^error: .*"db\/a" is damaged\. It was not changed\. \[CONFLICT\]\nhint: .*scrub --repair.*\nhint: .*--conflict overwrite.*\nhint: .*\n$/,
    );
    const skipped = await run([...one, '--conflict', 'skip']);
    expect(skipped.exitCode).toBe(8);
    expect(skipped.stdout).toMatch(
      /^failed: db\/a: the record of "db\/a" is damaged\. It was not changed\. \[CONFLICT\]\n/,
    );
    expect((await run([...one, '--conflict', 'overwrite', '--yes'])).stdout).toMatch(/: 1 replaced; 5 B\n/);
    expect((await run(['get', 'db/a'])).stdout).toBe('first');

    await damage();
    expect((await run(['put', 'db/a', '--if-damaged'], { input: 'typed again' })).exitCode).toBe(0);
    expect((await run(['put', 'db/a', '--if-damaged'], { input: 'x' })).exitCode).toBe(6);
    expect((await run(['get', 'db/a'])).stdout).toBe('typed again');

    await damage();
    const whole = await run(['restore', destination, '--yes']);
    expect(whole.exitCode).toBe(0);
    expect((await run(['get', 'db/a'])).stdout).toBe('first');
    const history = jsonLines((await run(['history', 'db/a', '--json'])).stdout);
    expect(history.length).toBeGreaterThan(4);
    expect((await run(['scrub'])).stdout).toMatch(/^nothing is wrong/);
  });

  it('of some objects refuses what is in the way, and says with --dry-run what would be done', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, destination } = await changedScene(onTestFinished);
    const some = ['restore', destination, '--prefix', 'db/'];
    const dry = await run([...some, '--dry-run']);
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.stdout).toMatch(
      new RegExp(
        `^new: db/b\ndb/a: the store has another version\n` +
          `would restore nothing ${FROM}: the store has another version of 1 object; ` +
          'choose --conflict skip, newer, overwrite or rename\n$',
      ),
    );
    const refused = await run(some);
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
    expect(refused.stderr).toBe(
      'error: object "db/a" already exists as another version. Nothing was changed. [CONFLICT]\n' +
        'hint: choose with --conflict skip, newer, overwrite or rename\n',
    );
    expect((await run(['ls'])).stdout).toBe('db/a\ndb/new\nlarge\nweb/c\n');

    expect(jsonLines((await run([...some, '--dry-run', '--json'])).stdout)).toContainEqual({
      key: 'db/a',
      would: 'conflict',
      bytes: 0,
    });

    const one = await run(['restore', destination, '--key', 'db/b']);
    expect(one.stdout).toMatch(new RegExp(`^restored ${FROM}: 1 created; 1 B\n$`));
    expect(jsonLines((await run(['info', 'db/b', '--json'])).stdout)).toMatchObject([{ metadata: { owner: 'ops' } }]);
    const into = await run(['restore', destination, '--prefix', 'db/', '--into', 'old/']);
    expect(into.stdout).toMatch(/: 2 created; 6 B\n$/);
    expect(into.stdout).toMatch(/^restored as: old\/a\nrestored as: old\/b\nrestored /);
    expect((await run(['get', 'old/a'])).stdout).toBe('first');
    const folder = await run(['restore', destination, '--prefix', 'db/', '--into', 'kept']);
    expect(folder.stdout).toMatch(/^restored as: kept\/a\nrestored as: kept\/b\nrestored /);
    const named = await run(['restore', destination, '--key', 'db/a', '--into', 'copy']);
    expect(named.stdout).toMatch(/^restored as: copy\nrestored .*: 1 created; 5 B\n$/);
    const below = await run(['restore', destination, '--key', 'db/a', '--key', 'db/b', '--into', 'box/', '--json']);
    const made = { key: 'box/db/a', status: 'created', bytes: 5 };
    expect(jsonLines(below.stdout)).toContainEqual(made);
    const several = await run(['restore', destination, '--key', 'db/a', '--key', 'db/b', '--into', 'box']);
    expect(several).toMatchObject({ exitCode: 2, stdout: '' });
    expect(several.stderr).toContain('--into must end with "/" for several keys');
    for (const key of ['copy', 'box/db/a', 'box/db/b', 'old/a', 'old/b', 'kept/a', 'kept/b']) await run(['rm', key]);

    for (const [policy, told, plan] of [
      ['skip', '1 left as they are, 1 unchanged; 0 B', 'leave as it is: db/a'],
      ['newer', '1 left as they are, 1 unchanged; 0 B', 'leave as it is: db/a'],
      [
        'rename',
        '1 restored beside another version, 1 unchanged; 5 B',
        String.raw`beside another version: db/a \(restored\)`,
      ],
    ] as const) {
      const planned = await run([...some, '--conflict', policy, '--dry-run']);
      expect(planned.stdout).toMatch(new RegExp(`^${plan}\nwould restore ${FROM}: ${told}\n$`));
      const done = await run([...some, '--conflict', policy]);
      expect(done.exitCode).toBe(0);
      expect(done.stdout).toMatch(new RegExp(`restored ${FROM}: ${told}\n$`));
    }
    expect((await run(['get', 'db/a (restored)'])).stdout).toBe('first');

    const asked = await run([...some, '--conflict', 'overwrite']);
    expect(asked).toMatchObject({ exitCode: 2, stdout: '' });
    expect(asked.stderr).toContain(
      'cannot ask without a terminal: 1 object of the store would be replaced. Nothing was changed.',
    );
    const extra = [...some, '--conflict', 'overwrite', '--delete-extra'];
    expect((await run(extra)).exitCode).toBe(2);
    const planned = jsonLines((await run([...extra, '--dry-run', '--json'])).stdout);
    expect(planned.slice(0, -1).toSorted((a, b) => (String(a['key']) < String(b['key']) ? -1 : 1))).toEqual([
      { key: 'db/a', would: 'overwrite', bytes: 5 },
      { key: 'db/a (restored)', would: 'delete', bytes: 0 },
      { key: 'db/b', would: 'nothing', bytes: 0 },
      { key: 'db/new', would: 'delete', bytes: 0 },
    ]);
    expect((await run([...extra, '--dry-run'])).stdout).toMatch(
      new RegExp(
        `^overwrite: db/a\ndelete: db/a \\(restored\\)\ndelete: db/new\nwould restore ${FROM}: 1 replaced, 2 deleted, 1 unchanged; 5 B\n$`,
      ),
    );
    expect(planned.slice(-1)).toMatchObject([
      { summary: { dryRun: true, policy: 'overwrite', replaced: 1, deleted: 2, unchanged: 1, snapshot: 1 } },
    ]);
    expect(jsonLines((await run([...extra, '--yes', '--json'])).stdout)).toMatchObject([
      { summary: { dryRun: false, replaced: 1, deleted: 2, unchanged: 1, conflicts: 1, failed: 0 } },
    ]);
    expect((await run(['ls', 'db/'])).stdout).toBe('db/a\ndb/b\n');
    expect((await run(['history', 'db/a'])).stdout.split('\n').length).toBeGreaterThan(3);
    expect((await run([...some, '--conflict', 'overwrite', '--yes'])).stdout).toMatch(/: 2 unchanged; 0 B\n$/);
  });

  it.runIf(LONG)(
    onlyLong('says that a moment is in a gap, and of when it is what is there instead'),
    async ({ expect, onTestFinished }) => {
      const { run, destination } = await changedScene(onTestFinished);
      const some = ['restore', destination, '--key', 'db/b', '--at', '2099-01-01'];
      const gap = String.raw`the backup ends at \S+\. The store of \S+ is restored, without changes from then until 2099-01-01\S*\.\n$`;
      const unknown = String.raw`the backup has no recovery points after \S+(?: \S+Z)?: .* until 2099-01-01\S* are missing\n$`;
      const dry = await run([...some, '--dry-run']);
      expect(dry.stderr).toMatch(new RegExp(`^finding: ${destination}: ${gap}`));
      expect(dry.stdout).toMatch(new RegExp(`would restore ${FROM}: 1 created; `));
      const [, { summary } = {}] = jsonLines((await run([...some, '--dry-run', '--json'])).stdout);
      expect(summary).toMatchObject({ snapshot: 1, gap: { from: expect.any(String) } });
      const shown = await run([...some, '--stdout']);
      expect(shown).toMatchObject({ exitCode: 0, stdout: 'b' });
      expect(shown.stderr).toMatch(new RegExp(`^${FROM}\nwarning: ${unknown}`));
    },
  );

  it.runIf(LONG)(
    onlyLong('says how to find a key that the snapshot does not have'),
    async ({ expect, onTestFinished }) => {
      const { run, destination, path } = await changedScene(onTestFinished);
      const options = `--key-file ${path('vault.key')} --no-anchor`;
      expect(await run(['restore', destination, '--key', 'db/new', '--snapshot', '1'])).toMatchObject({
        exitCode: 3,
        stdout: '',
        stderr:
          'error: "db/new": the object does not exist in the snapshot [NOT_FOUND]\n' +
          `hint: to list the versions, and the snapshots that have them: securestore history db/new --backup ${destination} ${options}\n` +
          `hint: to find similar keys there: securestore find new ${destination} --snapshot 1 ${options}\n`,
      });
      // Deleted since: what helps in a store is not advised of a backup.
      await run(['backup', destination]);
      const deleted = await run(['restore', destination, '--key', 'db/b', '--conflict', 'overwrite', '--yes']);
      expect(deleted.exitCode).toBe(3);
      expect(deleted.stderr).not.toContain('undelete');
    },
  );

  it('says what was meant by nothing that there is', async ({ expect, onTestFinished }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    for (const [args, exitCode, message] of [
      [['--prefix', 'typo/'], 3, 'snapshot 1 has no object whose name starts with "typo/". Nothing was restored.'],
      [['--key', 'typo'], 3, '"typo"'],
      [['--snapshot', '9', '--key', 'db/b'], 3, 'snapshot 9 does not exist at'],
      [['--at', '2020-01-01', '--key', 'db/b'], 3, 'the first snapshot at'],
      [['--at', '2020-01-01', '--snapshot', '1'], 2, '--at cannot be used with --snapshot'],
      [['--key', 'db/b', '--prefix', 'db/'], 2, '--prefix cannot be used with --key'],
      [['--snapshot', '9'], 3, 'snapshot 9 does not exist at'],
      [['--to', 'file:x', '--folder', 'y'], 2, '--to cannot be used with --folder'],
      [['--partial'], 2, '--partial needs --to'],
      [['--stdout'], 2, '--stdout needs one --key'],
      [['--stdout', '--key', 'db/b', '--json'], 2, '--stdout cannot be used with --json'],
      [['--to', 'file:x', '--dry-run'], 2, '--dry-run cannot be used with --to'],
      [['--key', 'a', '--delete-extra', '--yes'], 2, '--delete-extra cannot be used with --key'],
      [['--give-up'], 2, '--give-up restores nothing'],
    ] as const) {
      const refused = await run(['restore', destination, ...args]);
      expect([args, refused.exitCode, refused.stdout]).toEqual([args, exitCode, '']);
      expect(refused.stderr).toContain(message);
    }
    expect((await run(['restore'])).stderr).toContain('restore needs a source: the destination of a backup');
    const none = await run(['restore', `file:${path('none')}`, '--key', 'db/b']);
    expect(none.exitCode).toBe(3);
    expect(none.stderr).toContain(`no backup exists at file:${path('none')} [NOT_FOUND]\nhint: `);
    // Nobody is asked about what can't be done.
    for (const whole of [[], ['--prefix', 'db/', '--conflict', 'overwrite']]) {
      const asked = await run(['restore', `file:${path('none')}`, ...whole]);
      expect(asked).toMatchObject({ exitCode: 3, stdout: '' });
      expect(asked.stderr).toContain(
        `error: file:${path('none')} has no backup. Nothing was changed. [NOT_FOUND]\nhint: to list the destinations`,
      );
    }
    const missing = await run(['restore', destination, '--snapshot', '99']);
    expect(missing).toMatchObject({ exitCode: 3, stdout: '' });
    expect(missing.stderr).toContain(`error: snapshot 99 does not exist at ${destination} [NOT_FOUND]\nhint: `);
    const early = await run(['restore', destination, '--at', '2020-01-01']);
    expect(early.stderr).toMatch(
      /^error: the first snapshot at \S+ is of \S+, after 2020-01-01T00:00:00\.000Z \[NOT_FOUND\]\n/,
    );
    const there = await run(['restore', destination, '--snapshot', '1']);
    expect(there.stderr).toContain(
      '1 object of the store would be replaced. Nothing was changed. [INVALID_ARGUMENT]\nhint: add --yes',
    );
    expect((await run(['ls'])).stdout).toBe('db/a\ndb/new\nlarge\nweb/c\n');
  });

  it.skipIf(!hasTerminals)(
    'of the whole asks on a terminal, makes a snapshot first, and locks others out until it is done',
    async ({ expect, onTestFinished }) => {
      const { run, box, destination, url, path } = await changedScene(onTestFinished);
      const args = ['restore', destination, '--store', url, '--key-file', path('vault.key'), '--no-anchor'];
      const refused = await run(['restore', destination]);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(refused.stderr).toContain(
        '1 object of the store would be replaced. Nothing was changed. [INVALID_ARGUMENT]\nhint: add --yes',
      );
      const no = await converse(box, args, [['[y/N] ', 'n\r']]);
      expect(no.exitCode).toBe(130);
      expect(no.transcript).toContain('other writers wait meanwhile. [y/N]');
      expect(no.transcript).toMatch(
        /would restore from snapshot 1 of \S+ \S+Z: 1 created, 1 replaced, 2 unchanged; \d+ B\r\nReplace every/,
      );
      expect(no.transcript).toContain('Nothing was changed.');
      expect((await run(['get', 'db/a'])).stdout).toBe('second');
      const yes = await converse(box, [...args, '--delete-extra'], [['[y/N] ', 'y\r']]);
      expect(yes.exitCode).toBe(0);
      expect(yes.transcript).toContain('Objects that did not exist then are deleted.');
      expect(yes.transcript).toMatch(
        /1 created, 1 replaced, 1 deleted, 2 unchanged; 6 B\r\nwhat was there before is snapshot 2; to undo this restore: securestore restore \S+ --snapshot 2 --delete-extra --store \S+ --key-file \S+ --no-anchor\r\n/,
      );
      expect((await run(['ls'])).stdout).toBe('db/a\ndb/b\nlarge\nweb/c\n');
      const again = await run(['restore', destination, '--key', 'db/new', '--conflict', 'skip']);
      expect(again.stderr).toMatch(
        /^error: .*db\/new.*: the object does not exist in the snapshot \[NOT_FOUND\]\n(?:hint: [^\n]+\n){2}$/,
      );
      const back = await run(['restore', destination, '--snapshot', '2', '--key', 'db/new']);
      expect(back.stdout).toMatch(/1 created/);
    },
  );

  it.runIf(LONG)(
    onlyLong('of the whole that is interrupted tells others so, and goes on, or is given up'),
    async ({ expect, onTestFinished }) => {
      const { run, box, destination, url, path } = await changedScene(onTestFinished);
      const args = ['restore', destination, '--yes'];
      const interrupt = async (): Promise<void> => {
        const given = ['--store', url, '--key-file', path('vault.key'), '--no-anchor'];
        const child = box.start([...args, ...given]);
        const ending = finished(child);
        await expect
          .poll(async () => (await run(['put', 'mine', path('vault.key')])).exitCode, {
            timeout: 30_000,
            interval: 200,
          })
          .toBe(7);
        child.kill('SIGINT');
        const stopped = await ending;
        expect(stopped).toMatchObject({ exitCode: 130, stdout: '' });
        expect(stopped.stderr).toMatch(
          /^error: interrupted \[ABORTED\]\nhint: to resume with the remaining objects: securestore restore [^\n]*\n$/,
        );
      };
      await interrupt();
      const locked = await run(['put', 'mine', path('vault.key')]);
      expect(locked).toMatchObject({ exitCode: 7, stdout: '' });
      expect(locked.stderr).toContain(
        'the store takes no writes: a restore of the whole store has not ended [LOCKED]\n',
      );
      expect(locked.stderr).toMatch(/\nhint: to resume the restore: securestore restore .*BACKUP/);
      expect(locked.stderr).toMatch(/\nhint: to give the restore up: securestore restore .*--give-up/);
      const done = await run(args);
      expect(done.exitCode).toBe(0);
      expect(done.stdout).toMatch(new RegExp(`^restored ${FROM}: .*1 replaced`));
      expect((await run(['get', 'db/a'])).stdout).toBe('first');
      expect((await run(['put', 'mine', path('vault.key')])).exitCode).toBe(0);

      await interrupt();
      expect(await run(['restore', '--give-up'])).toMatchObject({
        exitCode: 0,
        stdout: 'the store accepts writes again; restored objects stay, and the history keeps the earlier versions\n',
      });
      expect((await run(['put', 'mine', path('vault.key')])).exitCode).toBe(0);
    },
  );
});

describe.concurrent('restore elsewhere', { timeout: 120_000 }, () => {
  it('makes a new store with --to, of which the old one needs nothing', async ({ expect, onTestFinished }) => {
    const { run, destination, path, lose, url } = await changedScene(onTestFinished);
    const onto = await run(['restore', destination, '--to', url]);
    expect(onto.exitCode).toBe(6);
    expect(onto.stderr).toBe(
      `error: ${url}: the target already has a store. Nothing was changed. [ALREADY_EXISTS]\n` +
        'hint: choose another store URL, with nothing there\n',
    );
    await lose();
    const to = `sqlite:${path('again.db')}`;
    const made = await run(['restore', destination, '--to', to]);
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    expect(made.stdout).toMatch(
      /^restored snapshot 1 of .* to sqlite:.*again\.db: 4 objects in 4 versions, 29\d KiB\n/,
    );
    expect(made.stdout).toContain(`to see its objects: securestore ls --store ${to}`);
    expect(made.stdout).toContain(
      `\nits backups need a destination of their own: securestore backup URL --store ${to} --key-file ${path('vault.key')} --no-anchor\n` +
        `or, if the store of these backups is lost, take them over: securestore backup ${destination} --take-over --store ${to} `,
    );
    expect((await run(['ls', '--store', to])).stdout).toBe('db/a\ndb/b\nlarge\nweb/c\n');
    expect((await run(['verify', to, '--payloads'])).exitCode).toBe(0);
    const part = `file:${path('part')}`;
    expect(
      jsonLines((await run(['restore', destination, '--to', part, '--prefix', 'db/', '--json'])).stdout),
    ).toMatchObject([{ summary: { to: part, snapshot: 1, objects: 2, versions: 2, unreadable: 0, failed: 0 } }]);
    // With a part of the store, nothing is to continue the backups of the whole.
    const second = await run(['restore', destination, '--to', `file:${path('second')}`, '--prefix', 'db/']);
    expect(second.stdout).toContain('its backups need a destination of their own: ');
    expect(second.stdout).not.toContain('--take-over');
    const nothing = await run(['restore', destination, '--to', `file:${path('nothing')}`, '--prefix', 'typo']);
    expect(nothing.stderr).toContain('warning: snapshot 1 has no object whose name starts with "typo"');
  });

  it('leaves out what is damaged with --partial, lists it, and ends with exit code 8', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, destination, path } = await changedScene(onTestFinished);
    const blobs = path('backup', 'b');
    for (const entry of await readdir(blobs, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await stat(file)).size > 100_000) await rm(file);
    }
    const to = ['--to', `file:${path('again')}`];
    const refused = await run(['restore', destination, ...to]);
    expect(refused).toMatchObject({ exitCode: 5, stdout: '' });
    expect(refused.stderr).toMatch(
      /^error: the file b\/\S+ of the backup is missing \[INTEGRITY\]\nhint: .*: securestore verify .*\nhint: .*: securestore snapshots /m,
    );
    const partial = await run(['restore', destination, ...to, '--partial']);
    expect(partial.exitCode).toBe(8);
    expect(partial.stdout).toMatch(/^failed: o\/\S+: .* is missing \[INTEGRITY\]\nrestored snapshot 1 .*: 3 objects/);
    expect(partial.stdout).toContain('could not be restored: 1 name');
    expect((await run(['ls', '--store', `file:${path('again')}`])).stdout).toBe('db/a\ndb/b\nweb/c\n');
  });

  it('writes files below a folder, and the data of one object to stdout', async ({ expect, onTestFinished }) => {
    const { run, destination, path, lose } = await changedScene(onTestFinished);
    await lose();
    for (const prefix of ['db/', 'db']) {
      const written = await run(['restore', destination, '--folder', path('out'), '--prefix', prefix]);
      expect(written.exitCode).toBe(0);
    }
    expect(await readFile(path('out', 'a'), 'utf8')).toBe('first');
    expect((await stat(path('out', 'b'))).mode & 0o777).toBe(0o600);
    expect((await readdir(path('out'))).toSorted()).toEqual(['a', 'b']);
    const all = jsonLines((await run(['restore', destination, '--folder', path('all'), '--json'])).stdout);
    expect(all.map(({ status, name }) => status ?? name)).toEqual([
      'written',
      'written',
      'written',
      'written',
      undefined,
    ]);
    const one = await run(['restore', destination, '--stdout', '--key', 'db/b']);
    expect(one).toMatchObject({ exitCode: 0, stdout: 'b', stderr: '' });
    const large = await run(['restore', destination, '--stdout', '--key', 'large', '--snapshot', '1']);
    expect(large.bytes.length).toBe(300_000);
    const typo = await run(['restore', destination, '--stdout', '--key', 'typo']);
    expect(typo.exitCode).toBe(3);
    expect(typo.stderr).toContain(
      `hint: to list the versions, and the snapshots that have them: securestore history typo --backup ${destination} `,
    );
  });
});
