import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mountSmall, NO_MOUNTS } from '../../backend-fs/test/support/mounts.ts';
import { approvalScene } from './support/approvals.ts';
import { backupScene } from './support/backups.ts';
import { type Sandbox, sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';
import { CANARY, provoke, provokeJson, type Provoked } from './support/provoke.ts';

/** A store with an object whose payload and metadata are canaries. */
async function withCanary(scheme: 'file' | 'sqlite' = 'sqlite'): Promise<Sandbox> {
  const box = await sandbox(scheme);
  await box.seed({ k: CANARY }, { metadata: { owner: CANARY } });
  return box;
}

async function all(box: Sandbox, cases: readonly Provoked[]): Promise<void> {
  for (const one of cases) await provoke(box, one);
}

/** Runs `body` as a user who owns nothing, if this process may become one. */
async function asNobody<T>(body: () => Promise<T>): Promise<T | undefined> {
  if (process.geteuid?.() !== 0 || process.seteuid === undefined) return undefined;
  process.seteuid(65_534);
  try {
    return await body();
  } finally {
    process.seteuid(0);
  }
}

/** A command line for the store at a URL. */
const at = (url: string, env = {}): { options: { env: Record<string, string> } } => ({
  options: { env: { SECURESTORE_URL: url, ...env } },
});

const long = 'x'.repeat(1025);

describe('an error says in one line what is wrong, and in hints what to do', { timeout: 120_000 }, () => {
  it('if the command line is wrong', async () => {
    const box = await withCanary();
    await all(box, [
      {
        args: ['lss'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: "unknown command 'lss'",
        hints: ['did you mean ls'],
      },
      { args: ['prge', 'k'], exitCode: 2, code: 'INVALID_ARGUMENT', hints: ['to list the commands'] },
      {
        args: ['ls', '--lnog'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: "unknown option '--lnog'",
        hints: ['--long'],
      },
      {
        args: ['ls', `--pasword=${CANARY}`],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: "unknown option '--pasword'",
      },
      { args: ['put', 'k', 'x', CANARY], exitCode: 2, code: 'INVALID_ARGUMENT', says: 'expected 2, got 3' },
      { args: ['put', 'k', CANARY], exitCode: 2, code: 'INVALID_ARGUMENT', says: 'the file does not exist' },
      { args: ['put', 'k', '--meta', CANARY], exitCode: 2, code: 'INVALID_ARGUMENT', says: 'NAME=VALUE' },
      { args: ['get', 'a//b'], exitCode: 2, code: 'INVALID_KEY', own: ['a//b'] },
      { args: ['put', long], exitCode: 2, code: 'INVALID_KEY', own: [long] },
      { args: ['get', 'k', '--at', 'soon'], exitCode: 2, code: 'INVALID_ARGUMENT', says: '--at must be a time' },
      {
        args: ['get', 'k', '--range', '9:1'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '--range must not end before',
      },
      {
        args: ['put', 'k', '--expires', '5'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '--expires must be in the future: a time, or how long from now, such as 30d, got "5"',
      },
      {
        args: ['completion', 'powershell'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: "<shell> must be one of bash, zsh, fish, got 'powershell'",
      },
      {
        args: ['role', 'add', 'r', '--template', 'raeder'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: "unknown value of --template: 'raeder'",
        hints: ['did you mean reader', 'the values are reader, writer, operator'],
      },
      {
        args: ['role', 'add', 'r', '--allow', 'reed'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'unknown action "reed" in --allow',
        hints: ['did you mean read'],
      },
      {
        args: ['slot', 'add', '--new-shares', '3/2'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '--new-shares must be K/N with K from 2 to N, such as 2/3 for any two of three, got "3/2"',
      },
      { args: ['edit', 'k'], exitCode: 2, code: 'INVALID_ARGUMENT', hints: ['to set one: export EDITOR=vi'] },
      {
        args: ['restore'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'restore needs a source: the destination of a backup, such as file:/backup',
        hints: ['to list the destinations', 'securestore help restore'],
      },
      { args: ['key', 'destroy'], exitCode: 2, code: 'INVALID_ARGUMENT', hints: ['securestore key list'] },
      { args: ['--fingerprint', 'none', 'ls'], exitCode: 2, code: 'INVALID_ARGUMENT', says: 'fingerprint' },
      { args: ['exec', '--', 'true'], exitCode: 2, code: 'INVALID_ARGUMENT', hints: ['--env NAME=KEY'] },
      { args: ['import', 'no-such-folder'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['no-such-folder'] },
      { args: ['put', 'k', './missing'], exitCode: 2, code: 'INVALID_ARGUMENT', says: '"./missing" does not exist' },
      {
        args: ['put', 'k', 'credentials'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'is a folder',
        hints: ['import'],
      },
      { args: ['--key-file', 'credentials', 'ls'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['credentials'] },
      { args: ['slot', 'add', '--new-shares', 'two'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['two'] },
      {
        args: ['settings', '--history-days', '1'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: "unknown option '--history-days'",
        hints: ['--history-days belongs to settings change: securestore help settings change'],
      },
    ]);
  });

  it('if there is no store, or another one', async () => {
    const box = await withCanary();
    await writeFile(box.path('wrong'), `${CANARY} opens nothing`, { mode: 0o600 });
    await writeFile(box.path('empty.key'), '', { mode: 0o600 });
    await all(box, [
      { args: ['ls', '--store', 'nonsense'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['nonsense'] },
      { args: ['ls', '--store', 'slqite:./vault'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['slqite:'] },
      { args: ['ls', '--store', 'nosuch:./x'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['nosuch:'] },
      { args: ['ls', '--store', 'sqlite:./none.db'], exitCode: 3, code: 'NOT_FOUND', own: ['none.db'] },
      { args: ['init', 'sqlite:./vault'], exitCode: 6, code: 'ALREADY_EXISTS', own: ['vault'] },
      {
        args: ['ls', '--passphrase-file', 'wrong'],
        exitCode: 9,
        code: 'UNLOCK_FAILED',
        hints: [
          'check that the secret belongs to this store: it was taken from --passphrase-file',
          `the credential "${box.path('credentials', 'securestore-key')}" is set, too, and is not used`,
        ],
      },
      { args: ['ls', '--fingerprint', '0'.repeat(52)], exitCode: 5, code: 'INTEGRITY', own: [box.path('vault')] },
      {
        args: ['init', 'sqlite:./other', '--key-file', 'empty.key'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '"empty.key" is empty. Nothing was changed.',
        own: ['empty.key'],
        hints: ['to remove it: rm empty.key'],
      },
    ]);
    const variables = { SECURESTORE_PASSPHRASE: CANARY, SECURESTORE_PASSPHRASE_FILE: 'wrong' };
    await provoke(box, {
      args: ['ls'],
      options: { env: variables },
      exitCode: 9,
      code: 'UNLOCK_FAILED',
      hints: ['it was taken from $SECURESTORE_PASSPHRASE\n', '$SECURESTORE_PASSPHRASE_FILE, the credential'],
    });
    const env = { CREDENTIALS_DIRECTORY: '' };
    await provoke(box, {
      args: ['ls'],
      options: { env },
      exitCode: 2,
      code: 'INVALID_ARGUMENT',
      says: '$CREDENTIALS_DIRECTORY is set but empty',
    });
  });

  it('if no secret is given, and there is no terminal to ask on', async () => {
    const box = await withCanary();
    const { exitCode, stderr } = await runHere(['ls', '--store', `sqlite:${box.path('vault')}`], {
      env: { HOME: box.path() },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /no unlock secret is given \[INVALID_ARGUMENT\]\nhint: set \$SECURESTORE_KEY_FILE or \$SECURESTORE_PASSPHRASE_FILE, or give --key-file FILE or --passphrase-file FILE\nhint: with a recovery kit, give --recovery-code-file FILE\nhint: .*: securestore help environment\n$/,
    );
  });

  it('if a store is to be created: no kit can hold its secret yet', async () => {
    const box = await sandbox('none');
    const { exitCode, stderr } = await runHere(['init', `sqlite:${box.path('new')}`], { env: { HOME: box.path() } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('no unlock secret is given [INVALID_ARGUMENT]\nhint: set $SECURESTORE_KEY_FILE');
    expect(stderr).not.toContain('recovery');
  });

  it('if a folder was taken for a database', async () => {
    const box = await withCanary('file');
    await provoke(box, {
      args: ['ls', '--store', 'sqlite:./vault'],
      exitCode: 2,
      code: 'INVALID_ARGUMENT',
      says: 'must be a regular file',
      hints: ['did you mean file:./vault: securestore --store file:./vault ls'],
    });
  });

  it('if something else is at the store URL', async () => {
    const box = await withCanary('sqlite');
    await writeFile(box.path('notes.txt'), 'mine');
    const none = { exitCode: 5, code: 'FORMAT_VERSION', says: 'the file is not a SQLite database' } as const;
    const notes = box.path('notes.txt');
    const checked = ['check the store URL; a new store needs one with nothing there'];
    await all(box, [
      { ...none, args: ['ls', '--store', 'sqlite:./notes.txt'], own: [notes], hints: checked },
      { ...none, args: ['init', 'sqlite:./notes.txt'], own: [notes], hints: ['choose another store URL'] },
      {
        args: ['ls', '--store', 'file:./notes.txt'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'is not a folder',
        own: [notes],
        hints: checked,
      },
      {
        args: ['ls', '--store', 'file:./vault'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'is not a folder',
        own: [box.path('vault')],
        hints: ['did you mean sqlite:./vault: securestore --store sqlite:./vault ls'],
      },
    ]);
  });

  it('if the store URL was given without --store', async () => {
    const box = await sandbox('none');
    for (const url of ['sqlite:./vault.db', 'file:./vault']) {
      const { exitCode, stderr } = await box.run(['ls', url]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(
        `no store is given [INVALID_ARGUMENT]\nhint: if that is the store: securestore ls --store ${url}\n`,
      );
    }
    expect((await box.run(['ls', 'db:'])).stderr).not.toContain('that is the store');
    expect((await box.run(['ls', 's3://id:secret@bucket'])).stderr).not.toContain('secret@');
  });

  it('if a backup is read by a command that needs its store', async () => {
    const box = await sandbox('none');
    const { exitCode, stderr } = await box.run(['browse', 'file:./backup']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('no store is given [INVALID_ARGUMENT]\nhint: to read the backup without its store: ');
    expect(stderr).toContain('securestore restore file:./backup --folder FOLDER\n');
  });

  it('if an object is not there, or another version is', async () => {
    const box = await withCanary();
    const { stdout } = await box.run(['info', 'k', '--json']);
    const { version: stale = '' } = JSON.parse(stdout) as { version?: string };
    await box.seed({ k: CANARY });
    await all(box, [
      { args: ['get', 'missing'], exitCode: 3, code: 'NOT_FOUND', own: ['missing'] },
      { args: ['rm', 'missing'], exitCode: 3, code: 'NOT_FOUND', says: '"missing": the object does not exist' },
      { args: ['purge', 'missing', '--yes'], exitCode: 3, code: 'NOT_FOUND', own: ['missing'] },
      {
        args: ['put', 'k', '--if-absent'],
        options: { input: CANARY },
        exitCode: 6,
        code: 'CONFLICT',
        own: ['"k"'],
        hints: ['to see what is there: securestore info k', 'to replace it, leave out --if-absent'],
      },
      {
        args: ['put', 'k', '--if-version', stale],
        options: { input: CANARY },
        exitCode: 6,
        code: 'CONFLICT',
        own: ['k'],
        hints: ['to see what is there: securestore info k'],
      },
      {
        args: ['purge', 'k'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'Nothing was changed.',
        hints: ['add --yes'],
      },
      { args: ['exec', '--env', 'A=no/a', '--', 'true'], exitCode: 3, code: 'NOT_FOUND', own: ['"no/a" for $A'] },
    ]);
  });

  it('if a job, a slot, a member, a role or a category is unknown', async () => {
    const box = await withCanary();
    const made = await box.run(['identity', 'new', '--json']);
    const { recipient = '' } = JSON.parse(made.stdout) as { recipient?: string };
    const { stdout } = await box.run(['slot', 'list', '--json']);
    const { id = '' } = JSON.parse(stdout) as { id?: string };
    await all(box, [
      { args: ['job', 'resume', 'nothing'], exitCode: 3, code: 'NOT_FOUND', own: ['nothing'], hints: ['job list'] },
      {
        args: ['rotate', '--resume'],
        exitCode: 3,
        code: 'NOT_FOUND',
        own: ['rotation'],
        unrun: ['securestore rotate'],
      },
      { args: ['slot', 'remove', 'nothing'], exitCode: 3, code: 'NOT_FOUND', own: ['nothing'] },
      {
        args: ['slot', 'remove', id],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        own: [id],
        unrun: ['securestore slot add'],
      },
      { args: ['approve', '1'], exitCode: 3, code: 'NOT_FOUND', hints: ['to list the requests: securestore approval'] },
      { args: ['token', 'revoke', 'ann'], exitCode: 3, code: 'NOT_FOUND', hints: ['to list the tokens'] },
      {
        args: ['destination', 'remove', 'file:./none'],
        exitCode: 3,
        code: 'NOT_FOUND',
        hints: ['to list the destinations with their ids: securestore destination list'],
      },
      {
        args: ['undelete', 'nothing'],
        exitCode: 3,
        code: 'NOT_FOUND',
        says: '"nothing": the object does not exist, and has no history',
      },
      { args: ['role', 'show', 'nothing'], exitCode: 3, code: 'NOT_FOUND', hints: ['securestore role'] },
      { args: ['grant', 'ann', 'nothing'], exitCode: 3, code: 'NOT_FOUND' },
      { args: ['approval', 'show', 'nothing'], exitCode: 3, code: 'NOT_FOUND', hints: ['securestore approval'] },
      { args: ['key', 'undo', 'nothing'], exitCode: 3, code: 'NOT_FOUND', own: ['nothing'] },
      {
        args: ['member', 'add', 'ann', recipient, '--category', 'green'],
        exitCode: 3,
        code: 'NOT_FOUND',
        says: 'the category "green" does not exist; the store has default',
        hints: ['securestore settings'],
      },
    ]);
    const revoked = await box.run(['member', 'revoke', 'nobody']);
    expect(revoked).toMatchObject({ exitCode: 3, stdout: '' });
  });

  it('if a secret is of no use', async () => {
    const box = await withCanary();
    const added = await box.run(['slot', 'add', '--new-shares', '2/3', '--kit', 'kit.txt']);
    expect(added, added.stderr).toMatchObject({ exitCode: 0 });
    await writeFile(box.path('code'), CANARY, { mode: 0o600 });
    await all(box, [
      {
        args: ['slot', 'add', '--new-shares', '2/3', '--kit', 'kit.txt'],
        exitCode: 6,
        code: 'ALREADY_EXISTS',
        hints: ['choose another name for --kit, or move the file away'],
      },
    ]);
    await all(box, [
      { args: ['ls', '--recovery-code-file', 'code'], exitCode: 2, code: 'INVALID_ARGUMENT' },
      { args: ['ls', '--invitation-file', 'code'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['code'] },
      {
        args: ['ls', '--share-file', 'kit-1.txt'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '2 of the 3 shares are needed, got 1',
        hints: ['give --share-file FILE once for each share'],
      },
      {
        args: ['ls', '--key-file', 'missing.key'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'the key file missing.key does not exist',
        hints: ['check the file in --key-file, or in $SECURESTORE_KEY_FILE'],
      },
      { args: ['ls', '--identity-file', 'code'], exitCode: 2, code: 'INVALID_ARGUMENT', own: ['code'] },
      {
        args: ['ls', '--key-file', 'a', '--passphrase-file', 'b'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '--key-file cannot be used with --passphrase-file',
      },
      {
        args: ['ls', '--token', CANARY],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '--token restricts nothing for a store that is unlocked here',
      },
    ]);
  });

  it('if keys are destroyed, and brings them back', async () => {
    const box = await sandbox('none');
    const env = { SECURESTORE_URL: 'sqlite:./v', SECURESTORE_KEY_FILE: 'key' };
    const run: Sandbox['run'] = (args, options) => box.run(args, { ...options, env });
    expect((await run(['init', '--define-category', 'pii=users/**'])).exitCode).toBe(0);
    expect((await run(['put', 'users/1'], { input: CANARY })).exitCode).toBe(0);
    expect((await run(['key', 'destroy', 'pii', '--wait', '7d', '--yes'])).exitCode).toBe(0);
    await provoke(box, {
      args: ['get', 'users/1'],
      run,
      exitCode: 5,
      code: 'KEY_DESTROYED',
      own: ['users/1'],
    });
    await run(['key', 'undo', 'pii']);
    expect((await run(['get', 'users/1'])).stdout).toBe(CANARY);
  });
});

describe('an error of a store', { timeout: 120_000 }, () => {
  it('that is damaged names the object, and a page', async () => {
    const box = await withCanary('file');
    const files = await readdir(box.path('vault'), { recursive: true, withFileTypes: true });
    for (const { parentPath, name } of files.filter((file) => file.isFile() && /\/o(?:\/|$)/.test(file.parentPath))) {
      const body = await readFile(join(parentPath, name));
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      await writeFile(join(parentPath, name), body);
    }
    const hints = ['securestore scrub --repair BACKUP', 'securestore restore BACKUP --key k --conflict overwrite'];
    const damaged: Provoked = { args: ['get', 'k'], exitCode: 5, code: 'INTEGRITY', own: ['"k"'], hints };
    await provoke(box, damaged);
    await provoke(box, { ...damaged, args: ['history', 'k'] });
    const verified = await box.run(['verify', '--checkpoint']);
    expect(verified.exitCode).toBe(5);
    expect(verified.stderr).toContain('no checkpoint was made: it would hide what is wrong\n');
    const stays = [...hints, 'to store it again, after which it can be removed: securestore put k --if-damaged'];
    await provoke(box, { ...damaged, args: ['rm', 'k'], hints: stays, unrun: ['securestore put'] });
    expect(await provokeJson(box, damaged)).toMatchObject({ key: 'k', page: expect.stringMatching(/#integrity$/) });
  });

  it('that does not open since it is damaged leads to a backup, and to nothing that must open it first', async () => {
    for (const folder of ['k', 'p']) {
      const box = await withCanary('file');
      const files = await readdir(box.path('vault', folder), { recursive: true, withFileTypes: true });
      for (const { parentPath, name } of files.filter((file) => file.isFile())) {
        await writeFile(join(parentPath, name), 'damaged');
      }
      const { stderr, exitCode } = await box.run(['ls']);
      expect(exitCode).toBe(5);
      expect(stderr).toContain(
        'hint: to restore the store from a backup, to a URL with nothing there: securestore restore BACKUP --to URL',
      );
      expect(stderr).toContain('#integrity');
      expect(stderr).not.toContain('scrub');
    }
  });

  it('has the same message as text and with --json, without the call of the library', async () => {
    const box = await withCanary();
    for (const given of [
      { args: ['get', 'none'], exitCode: 3, code: 'NOT_FOUND' },
      { args: ['get', 'k', '--version-id', '1'], exitCode: 2, code: 'INVALID_ARGUMENT' },
      { args: ['rm', 'k', '--if-version', 'x'], exitCode: 2, code: 'INVALID_ARGUMENT' },
    ]) {
      const { stderr } = await box.run(given.args);
      const { message } = (await provokeJson(box, given)) as { readonly message: string };
      expect(stderr).toContain(`${message} [${given.code}]\n`);
      expect(message).not.toMatch(/\b(?:retrieve|store)[A-Z(]?\w*[:( ]/);
    }
  });

  it('that has no such version leads to the versions of the object', async () => {
    const box = await withCanary();
    for (const version of ['1', '1j1hfe05b0o-dq01q877']) {
      const { stderr } = await box.run(['get', 'k', '--version-id', version]);
      expect(stderr).toContain('hint: to list its versions, for --version-id: securestore history k\n');
      expect(stderr).not.toContain('KEY');
    }
    for (const args of [
      ['put', 'k', '--if-version', '1'],
      ['undelete', 'k', '--version-id', '1'],
    ])
      expect((await box.run(args)).stderr).toContain('hint: to see what is there: securestore info k\n');
  });

  it('that is older than it was opens once that is accepted', async () => {
    const box = await withCanary('file');
    expect((await box.run(['ls'])).exitCode).toBe(0);
    await cp(box.path('vault'), box.path('copy'), { recursive: true });
    expect((await box.run(['settings', 'change', '--history-days', '9'])).exitCode).toBe(0);
    await rm(box.path('vault'), { recursive: true });
    await cp(box.path('copy'), box.path('vault'), { recursive: true });
    await provoke(box, { args: ['ls'], exitCode: 5, code: 'ROLLBACK' });
    await box.run(['ls', '--accept-rollback']);
    expect((await box.run(['get', 'k'])).stdout).toBe(CANARY);
  });

  it('at which a job runs names the job', async (context) => {
    const { run, box, destination } = await backupScene(context.onTestFinished);
    const end = new AbortController();
    const begun = Promise.withResolvers<void>();
    const following = run(['backup', destination, '--continuous'], {
      signal: end.signal,
      onOutput: (text) => (/recoverable to/.test(text) ? begun.resolve() : undefined),
    });
    await begun.promise;
    await provoke(box, {
      args: ['backup', destination],
      run: (args) => run(args),
      exitCode: 7,
      code: 'LOCKED',
      says: 'another process backs up continuously to this destination. Nothing was changed.',
      hints: ['stop that process first'],
      unrun: ['securestore job cancel'],
    });
    end.abort();
    expect((await following).exitCode).toBe(130);
  });

  it('on a full disk says that nothing was lost', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using disk = mountSmall(4096);
    const box = await sandbox();
    const env = { SECURESTORE_URL: `file:${disk.path}/vault` };
    const run: Sandbox['run'] = (args, options) => box.run(args, { ...options, env });
    expect((await run(['init'])).exitCode).toBe(0);
    expect((await run(['put', 'k'], { input: CANARY })).exitCode).toBe(0);
    await expect(writeFile(`${disk.path}/full`, Buffer.alloc(4096 * 1024))).rejects.toThrow('ENOSPC');
    const full = { run, exitCode: 7, code: 'NO_SPACE', own: [disk.path] };
    await provoke(box, {
      ...full,
      args: ['put', 'big'],
      options: { input: CANARY.repeat(50_000) },
      unrun: ['securestore put'],
    });
    await provoke(box, { ...full, args: ['rm', 'k'], hints: ['remove something else from that disk first'] });
    await rm(`${disk.path}/full`);
    expect((await run(['get', 'k'])).stdout).toBe(CANARY);
  });

  it('on a full disk while a store is restored says what resumes it', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    const box = await withCanary();
    await box.seed({ big: Buffer.alloc(5_000_000) });
    const destination = `file:${box.path('backup')}`;
    expect((await box.run(['backup', destination])).exitCode).toBe(0);
    for (const scheme of ['file', 'sqlite']) {
      using disk = mountSmall(16 * 1024);
      const to = `${scheme}:${disk.path}/restored`;
      const full = `${disk.path}/full`;
      await writeFile(full, Buffer.alloc(13 * 1024 * 1024));
      const restore = ['restore', destination, '--to', to];
      await provoke(box, {
        args: restore,
        exitCode: 7,
        code: 'NO_SPACE',
        says: `error: ${to}: the restore was interrupted: `,
        own: [disk.path],
        hints: [
          `once there is room, to resume the restore: securestore ${restore.join(' ')}`,
          `what was restored stays at ${to}, which is no store until the restore has ended`,
        ],
        unrun: ['securestore restore'],
      });
      expect((await box.run(['ls', '--store', to])).exitCode).toBe(5);
      await rm(full);
      expect(await box.run(restore)).toMatchObject({ exitCode: 0 });
      expect((await box.run(['get', 'k', '--store', to])).stdout).toBe(CANARY);
    }
  });

  it('that this user may not read says so', async (context) => {
    const box = await withCanary('sqlite');
    await writeFile(box.path('secret'), CANARY);
    await chmod(box.path('secret'), 0o600);
    await chmod(box.path(), 0o755);
    const put = (name: string): ReturnType<typeof runHere> =>
      runHere(['put', 'k', box.path(name)], {
        env: { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` },
      });
    // Which loads all that the next one needs: nobody may not be able to read a checkout of root's.
    expect((await put('missing')).exitCode).toBe(2);
    const done = await asNobody(async () => {
      const { exitCode, stderr } = await put('secret');
      expect(exitCode, stderr).toBe(4);
      expect(stderr).toMatch(/^error: cannot read "[^"]*": permission denied \[ACCESS_DENIED\]\n$/);
      expect(stderr).not.toContain(CANARY);
      return true;
    });
    if (done === undefined) context.skip('only root can become a user who owns nothing');
  });
});

describe('an error of a backup', { timeout: 120_000 }, () => {
  it('names what is missing', async (context) => {
    const { run, box, destination, url, path } = await backupScene(context.onTestFinished);
    await mkdir(path('empty'));
    const none = `file:${path('none')}`;
    const base = { run: (args: readonly string[]) => run(args) };
    await all(box, [
      { ...base, args: ['backup', 'memory:'], exitCode: 2, code: 'INVALID_ARGUMENT', says: 'memory: cannot be' },
      { ...base, args: ['restore', none], exitCode: 3, code: 'NOT_FOUND', hints: ['securestore destination list'] },
      { ...base, args: ['snapshots', none], exitCode: 3, code: 'NOT_FOUND' },
      {
        ...base,
        args: ['verify', none],
        exitCode: 3,
        code: 'NOT_FOUND',
        says: 'has neither a store nor a backup',
        hints: [`see that the disk, bucket or server of ${none} is there`, 'securestore destination list'],
      },
      { ...base, args: ['restore', destination, '--stdout'], exitCode: 2, code: 'INVALID_ARGUMENT', says: '--key' },
      { ...base, args: ['migrate', url], exitCode: 2, code: 'INVALID_ARGUMENT', own: [url] },
      {
        ...base,
        args: ['schedule', 'add', 'x'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: 'missing required argument',
      },
    ]);
    expect((await run(['backup', destination])).exitCode).toBe(0);
    await all(box, [
      { ...base, args: ['restore', destination], exitCode: 2, code: 'INVALID_ARGUMENT', hints: ['add --yes'] },
      {
        ...base,
        args: ['restore', destination, '--key', 'no'],
        exitCode: 3,
        code: 'NOT_FOUND',
        hints: ['to find similar keys there'],
      },
      {
        ...base,
        args: ['restore', destination, '--snapshot', '99'],
        exitCode: 3,
        code: 'NOT_FOUND',
        own: [destination],
      },
      {
        ...base,
        args: ['restore', destination, '--to', url],
        exitCode: 6,
        code: 'ALREADY_EXISTS',
        own: [url],
      },
    ]);
  });
});

describe('an error over a server', { timeout: 120_000 }, () => {
  it('says how to reach it, and who asks', async (context) => {
    const box = await sandbox('none', context.onTestFinished);
    const other = createServer((_, response) => response.end(CANARY));
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    context.onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const token = { SECURESTORE_TOKEN: CANARY };
    const down = 'https://127.0.0.1:9';
    await all(box, [
      { ...at(down), args: ['ls'], exitCode: 2, code: 'INVALID_ARGUMENT', hints: ['set $SECURESTORE_TOKEN'] },
      { ...at(down, token), args: ['ls'], exitCode: 7, code: 'UNAVAILABLE', own: [down], ends: { securestore: 7 } },
      {
        ...at(`https://127.0.0.1:${port}`, token),
        args: ['ls'],
        exitCode: 7,
        code: 'UNAVAILABLE',
        own: [`https://127.0.0.1:${port}`],
        ends: { securestore: 7 },
      },
      { ...at(down, token), args: ['migrate', 'sqlite:./x'], exitCode: 2, code: 'UNSUPPORTED', hints: ['--store'] },
      { ...at(down, { SECURESTORE_TOKEN: `${CANARY} x` }), args: ['ls'], exitCode: 2, code: 'INVALID_ARGUMENT' },
      {
        ...at(down, token),
        args: ['ls', '--key-file', 'key'],
        exitCode: 2,
        code: 'INVALID_ARGUMENT',
        says: '--key-file cannot unlock a remote store',
      },
    ]);
  });

  it('says what is not allowed, and what takes an approval', async (context) => {
    const scene = await approvalScene(context, 'history', 'audit.view');
    const box = await sandbox('none', context.onTestFinished);
    const run = (args: readonly string[]): ReturnType<typeof scene.as> => scene.as('ann', ...args);
    await all(box, [
      { args: ['audit', 'tail'], run, exitCode: 4, code: 'ACCESS_DENIED' },
      { args: ['history', 'db/user'], run, exitCode: 4, code: 'ACCESS_DENIED', own: ['db/user'], hints: ['approval'] },
    ]);
  });
});
