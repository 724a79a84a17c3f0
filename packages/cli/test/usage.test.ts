import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { reportOf } from '../src/errors/error-report.ts';
import { COMMAND, finished, jsonLines, sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';

describe('help', () => {
  it('comes on stderr with exit code 2 where no verb is given, and the version on request', async () => {
    const none = await runHere([]);
    expect(none).toMatchObject({ exitCode: 2, stdout: '' });
    expect(none.stderr).toContain('Usage: securestore');
    const manifest: { version: string } = JSON.parse(
      await readFile(new URL('../package.json', import.meta.url), 'utf8'),
    );
    const { version } = manifest;
    const shown = version === '0.0.0' ? `${version} (not released)` : version;
    expect((await runHere(['--version'])).stdout).toBe(`${shown}\n`);
    expect((await runHere(['--version', '--json'])).stdout).toBe(`{"version":"${version}"}\n`);
    expect(JSON.parse((await runHere(['version', '--json'])).stdout)).toMatchObject({ securestore: version });
  });

  it.each([
    [['--help', '--json'], ['--help']],
    [
      ['put', '--json', '--help'],
      ['put', '--help'],
    ],
  ])('is one JSON line with --json: %j', async (args, plain) => {
    const { exitCode, stdout, stderr } = await runHere(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonLines(stdout)).toEqual([{ help: (await runHere(plain)).stdout.trimEnd() }]);
  });

  it('is an error in JSON where no command is given, and the version is one line', async () => {
    const none = await runHere(['--json']);
    expect(none).toMatchObject({ exitCode: 2, stdout: '' });
    expect(jsonLines(none.stderr)).toMatchObject([{ code: 'INVALID_ARGUMENT', exitCode: 2 }]);
    const version = (await runHere(['--version'])).stdout.trimEnd().replace(' (not released)', '');
    expect(jsonLines((await runHere(['--version', '--json'])).stdout)).toEqual([{ version }]);
  });
});

async function operation(...args: readonly string[]): Promise<unknown> {
  return jsonLines((await runHere([...args, '--json'])).stderr)[0]?.['operation'];
}

describe('wrong usage', () => {
  it.each([
    [['lss'], 'hint: did you mean ls: securestore help ls'],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['frobnicate'], 'hint: to list the commands: securestore help'],
    [
      ['help', 'frobnicate'],
      "unknown command 'frobnicate' [INVALID_ARGUMENT]\nhint: to list the commands: securestore help",
    ],
    [['delete', 'x'], 'hint: did you mean rm: securestore help rm'],
    [['set', 'x'], 'hint: did you mean put: securestore help put'],
    [['help', 'Cat'], 'hint: did you mean get: securestore help get'],
    [['read', 'x'], 'hint: did you mean get: securestore help get'],
    [['list'], 'hint: did you mean ls: securestore help ls'],
    [['ls', '--lnog'], 'hint: did you mean --long: securestore help ls'],
    [['--stroe', 'x', 'ls'], 'hint: did you mean --store: securestore help'],
    [['get'], "missing required argument 'key' [INVALID_ARGUMENT]\nhint: to see how to use it: securestore help get"],
    [['put', '--expires'], '--expires needs a value'],
    [['get', 'a', 'b'], 'too many arguments'],
    [['restore', 'file:./b', 'a'], 'hint: to restore single objects, give each by --key KEY\n'],
    [
      ['member', 'add', 'ann', '--category', 'c'],
      'hint: the member makes an identity, which shows the recipient, with: securestore identity new -o FILE\n',
    ],
    [
      ['health', 'sqlite:./x'],
      'expected 0, got 1 [INVALID_ARGUMENT]\nhint: the store of this command is given by --store URL',
    ],
    [['get', 'a', '-o'], '--output needs a value'],
    [['get', 'a', '--version-id', '1', '--at', '2'], 'cannot be used with'],
    [['put', 'a', '--if-absent', '--if-version', '1'], 'cannot be used with'],
    [['init', 'sqlite:x', '--names', 'none'], "--names must be one of encrypted, plain, got 'none' ["],
    [['init', 'sqlite:x', '--define-category', 'x'], '--define-category takes NAME=PATTERN'],
    [['init', 'sqlite:x', '--history-days', '-1'], '--history-days'],
    [['init', 'sqlite:x', '--rotation-days', 'x'], '--rotation-days'],
    [['init', 'sqlite:x', '--store', 'sqlite:y'], 'differ'],
    [['init', '--invitation-file', 'f'], '--invitation-file is for a store that exists'],
    [['ls'], '--store'],
    [['--store', '', 'ls'], '--store'],
    [['--store', 'nonsense', 'ls'], 'scheme'],
    [
      ['--store', 'x:y', '--key-file', 'a', '--passphrase-file', 'b', 'ls'],
      '--key-file cannot be used with --passphrase-file',
    ],
    [['exec'], "missing required argument 'command'"],
    [['rotate', '--depth', 'all'], '--depth must be one of unlock, keys, data, got'],
    [['rotate', '--same-secret', '--new-key-file', 'f'], 'cannot be used with'],
    [['rotate', '--resume', '--depth', 'keys'], 'cannot be used with'],
    [['retention', 'file:./b', '--set', '--keep-last', '1', '--dry-run'], '--set cannot be used with --dry-run'],
    [['retention', 'file:./b', '--set', '--keep-last', '1', '--damaged'], '--set cannot be used with --damaged'],
    [['rekey'], 'hint: did you mean rotate: securestore help rotate'],
    [['slotz'], 'hint: did you mean slot: securestore help slot'],
    [['destinatons'], 'hint: did you mean destination: securestore help destination'],
    [['prune'], 'hint: did you mean retention: securestore help retention'],
    [['purg'], "unknown command 'purg' [INVALID_ARGUMENT]\nhint: to list the commands: securestore help"],
    [['job', 'stop', 'x'], 'the action of job must be list, resume, cancel or forget'],
    [
      ['job', 'forget'],
      "missing required argument 'id' [INVALID_ARGUMENT]\nhint: to list the jobs: securestore job list\nhint: to see how to use it: securestore help job forget",
    ],
    [['job', 'list', 'x'], 'too many arguments: expected 0, got 1'],
    [['destination', 'show'], 'the action of destination must be list, add or remove'],
    [['destinations', 'add'], "missing required argument 'url'"],
    [['schedule', 'show'], 'the action of schedule must be list, add, remove or run'],
    [
      ['schedule', 'add', 'x', 'file:y', '--webhook', 'https://z'],
      "unknown option '--webhook' [INVALID_ARGUMENT]\nhint: --webhook belongs to schedule run: securestore help schedule run\nhint: to see how to use it: securestore help schedule add",
    ],
    [
      ['schedule', 'run', '--time-zone', 'UTC'],
      "unknown option '--time-zone' [INVALID_ARGUMENT]\nhint: --time-zone belongs to schedule add: securestore help schedule add\nhint: to see how to use it: securestore help schedule run",
    ],
    [['key', 'destory', 'x'], 'the action of key must be list, destroy or undo'],
    [['keys', 'destory', 'x'], 'the action of key must be list, destroy or undo'],
    [
      ['key', 'destroy'],
      "missing required argument 'id|category' [INVALID_ARGUMENT]\nhint: to list the encryption keys: securestore key list",
    ],
    [['key', 'destroy', 'x', '--wait', 'soon'], '--wait must be a length of time such as 12h or 30d, got "soon"'],
    [['keys', '--wait', '1d'], '--wait belongs to key destroy'],
    [['key', 'undo', 'x', '--usage'], '--usage belongs to key list'],
    [['slots', 'delete', 'x'], 'the action of slot must be list, add or remove'],
    [
      ['slot', 'remove'],
      "missing required argument 'id' [INVALID_ARGUMENT]\nhint: to list the slots: securestore slot list",
    ],
    [
      ['role', 'add', 'x', '--allow', 'read', '--keys', 'a/../b'],
      '--keys must be a pattern of keys: the pattern "a/../b" must have only segments that a key can have',
    ],
    [['role', 'add', 'x', '--allow', 'read', '--category', ''], '--category must name a category, got ""'],
    [['role', 'add', 'x', '--deny', 'read,raed'], 'unknown action "raed" in --deny'],
    [['approval', 'add', 'purge', '--keys', 'a/../b'], '--keys must be a pattern of keys'],
    [['approval', 'add', 'purge', '--category', ''], '--category must name a category, got ""'],
    [
      ['schedule', 'add', 'x', 'file:y', '--cron', '@daily', '--jitter', '25h'],
      '--jitter must be a length of time from 0s to 1d, got "25h"',
    ],
    [['schedule', 'run', '--hook-timeout', '0s'], '--hook-timeout must be a length of time from 1s to 1d, got "0s"'],
    [['schedule', 'run', '--hook-timeout', '2d'], '--hook-timeout must be a length of time from 1s to 1d, got "2d"'],
    [['scrub', '--over', '3651d'], '--over must be a length of time from 1s to 3650d, got "3651d"'],
    [['key', 'destroy', 'x', '--wait', '3651d'], '--wait must be a length of time from 0s to 3650d, got "3651d"'],
    [['health', '--timeout', '0s'], '--timeout must be a length of time from 1s to 1d, got "0s"'],
    [['slot', 'add', 'x'], 'too many arguments: expected 0, got 1'],
    [['slots', '--new-key-file', 'f'], '--new-key-file belongs to slot add'],
    [['slots', '--recipient', 'f'], '--recipient belongs to slot add'],
    [['slot', 'add', '--kit', 'f'], '--kit needs'],
    [['slot', 'add', '--recipient', 'f', '--kit', 'f'], 'cannot be used with'],
    [['identity'], 'no identity is given'],
    [['identity', 'list'], 'no identity is given'],
    [['identity', 'new', 'f'], 'takes its file by -o'],
    [['identity', 'show'], 'no identity is given'],
    [['identity', 'show', 'f', '-o', 'g'], '-o belongs to identity new'],
    [
      ['help', 'token', 'create'],
      'the action of token must be list, new or revoke [INVALID_ARGUMENT]\nhint: did you mean token new: securestore help token new',
    ],
    [
      ['token', 'create', 'carol'],
      'revoke [INVALID_ARGUMENT]\nhint: did you mean token new: securestore help token new',
    ],
    [['role', 'ad', 'x'], 'hint: did you mean role add: securestore help role add'],
    [['slot', 'delete', 'x'], 'hint: did you mean slot remove: securestore help slot remove'],
    [['purge', 'k', '--history'], "'--history' [INVALID_ARGUMENT]\nhint: to see how to use it: securestore help purge"],
    [['snapshot'], 'hint: did you mean one of backup, snapshots: securestore help'],
    [['init', './vault'], '[INVALID_ARGUMENT]\nhint: did you mean file:./vault or sqlite:./vault\n'],
    [['init', './vault.db'], '[INVALID_ARGUMENT]\nhint: did you mean sqlite:./vault.db or file:./vault.db\n'],
    [['ls', '--store', 'vault'], 'hint: give a store URL such as sqlite:./vault.db or file:./vault\n'],
    [['ls', '--passphrase', 'x'], 'hint: give --passphrase-file FILE or --passphrase-command COMMAND: other users'],
    [['ls', '--password=x'], 'hint: give --passphrase-file FILE or --passphrase-command COMMAND: other users'],
    [['rotate', '--new-password', 'x'], 'hint: give --new-passphrase-file FILE or --new-passphrase-command COMMAND'],
    [['keygen'], 'hint: did you mean identity: securestore help identity'],
    [['whoami'], 'hint: did you mean identity show: securestore help identity show'],
    [['status'], 'hint: did you mean health: securestore help health'],
    [['diff'], 'hint: did you mean compare: securestore help compare'],
    [['user'], 'hint: did you mean one of grant, member: securestore help'],
    [['rollback'], 'hint: did you mean one of undelete, restore: securestore help'],
    [
      ['schedule', 'add', 'n', 'file:./b', '--at', '02:00'],
      "hint: did you mean --cron, such as --cron '0 2 * * *' for",
    ],
    [['role', 'add', 'r', '--allow', 'read', '--keys', 'db/'], 'hint: for all keys of a folder, give "db/**"'],
    [['audit', 'verify', '--identity-file', 'x'], 'hint: give the identity of the auditor by --auditor-identity FILE'],
    [
      ['member', 'add', 'ann', 'SSRP1-X', '--category', 'c', '--prefix', 'a/', '--into', 'a'],
      '--into must name another folder than --prefix: an object has the encryption keys of its category for good',
    ],
  ] as const)('%j is said to be it', async (args, message) => {
    const result = await runHere(args);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toContain('[INVALID_ARGUMENT]');
    const [line, ...more] = jsonLines((await runHere(['--json', ...args])).stderr);
    expect(line).toMatchObject({ code: 'INVALID_ARGUMENT', retryable: false, exitCode: 2 });
    expect(more).toEqual([]);
  });

  it.each([
    ['purg', 'k'],
    ['retenton', 'file:./b'],
    ['revok', 'ann'],
    ['migrate', 'x', '--los'],
    ['restore', 'x', '--delete-extr'],
    ['restore', 'x', '--giveup'],
    ['member', 'revoke', '--al'],
    ['ls', '--acept-head'],
    ['purge', 'k', '--yess'],
    ['help', 'token', 'revok'],
  ])('suggests nothing that destroys: %j', async (...args) => {
    const { exitCode, stderr } = await runHere(args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^error: (?:unknown (?:command|option) '[^']+'|the action of token must be list, new or revoke) \[INVALID_ARGUMENT\]\nhint: to [a-z ]+: securestore help/,
    );
    expect(stderr).not.toContain('did you mean');
  });

  it('is reported with the command that it is about, and with none where there is none', async () => {
    expect(await operation('get')).toBe('get');
    expect(await operation('ls', '--lnog')).toBe('ls');
    expect(await operation('frobnicate')).toBeUndefined();
  });

  it('refuses what is no key before a store is opened, in one line without control characters', async () => {
    const keys = ['', '/a', 'a/', 'a//b', '.', 'a/../b', 'a\nb', 'a\u001b[31mb', 'u\u0308', 'x'.repeat(1025)];
    for (const verb of ['put', 'get', 'info', 'history', 'rm', 'undelete', 'purge']) {
      for (const key of keys) {
        const { exitCode, stdout, stderr } = await runHere([verb, key, '--yes'], { input: 'x' });
        expect({ verb, key, exitCode, stdout }).toEqual({ verb, key, exitCode: 2, stdout: '' });
        expect(stderr).toMatch(/^error: [^\p{Cc}]*\[INVALID_KEY\]\n$/u);
      }
    }
  });

  it.each(['file', 'sqlite'])('says of a %s: store URL which part of it is a file', async (scheme) => {
    const box = await sandbox('none');
    const file = box.path('file.txt');
    await writeFile(file, 'mine');
    for (const below of ['vault', 'folder/vault']) {
      const url = `${scheme}:./file.txt/${below}`;
      for (const args of [
        ['init', url],
        ['--store', url, 'put', 'k'],
        ['--store', url, 'get', 'k'],
      ]) {
        const { exitCode, stdout, stderr } = await box.run(args, { env: { SECURESTORE_PASSPHRASE: 'a passphrase' } });
        expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 2, stdout: '' });
        expect(stderr).toContain(`${file} is not a folder`);
      }
    }
  });

  it('makes no store among the files of others', async () => {
    const box = await sandbox('none');
    await writeFile(box.path('notes.txt'), 'mine');
    const { exitCode, stdout, stderr } = await box.run(['init', 'file:.'], {
      env: { SECURESTORE_PASSPHRASE: 'a passphrase' },
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`${box.path()} must be empty or the folder of a store, but has "notes.txt"`);
    expect(await readdir(box.path())).toEqual(['notes.txt']);
  });

  it('says which file is missing where that is surely a path, and that a working directory is gone', async () => {
    const box = await sandbox();
    expect((await box.run(['put', 'k', './missing'])).stderr).toContain('the file "./missing" does not exist');
    expect((await box.run(['put', 'k', box.path('missing')])).stderr).toContain(`"${box.path('missing')}"`);
    const command = COMMAND.map((word) => `'${word}'`).join(' ');
    const script = `mkdir gone && cd gone && rmdir ../gone && ${command} ls`;
    const child = spawn('sh', ['-c', script], { cwd: box.path(), env: { ...box.env } });
    const { exitCode, stderr } = await finished(child);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('error: the working directory has been removed');
  });

  it('does not repeat what may be a secret', async () => {
    const box = await sandbox();
    const canary = 'canary-7f3a';
    const attempts = [
      [`--passphrase=${canary}`, 'ls'],
      ['ls', `--password=${canary}`],
      ['ls', `--stor=${canary}`],
      ['ls', `--stor=${canary}\n'${canary}'`],
      ['put', 'k', canary],
      ['put', 'k', `/${canary}`],
      ['put', 'k', `${canary}/${canary}`],
      ['put', 'k', 'one', canary, 'three'],
      ['put', 'k', '--meta', canary],
    ];
    for (const args of attempts) {
      const { exitCode, stdout, stderr } = await runHere(args, { env: box.env });
      expect(exitCode).toBe(2);
      expect(stdout + stderr).not.toContain(canary);
    }
  });
});

const EXIT_CODES: Record<ErrorCode, number> = {
  NOT_FOUND: 3,
  ACCESS_DENIED: 4,
  UNAUTHENTICATED: 4,
  INTEGRITY: 5,
  ROLLBACK: 5,
  KEY_DESTROYED: 5,
  FORMAT_VERSION: 5,
  ALREADY_EXISTS: 6,
  CONFLICT: 6,
  UNAVAILABLE: 7,
  TIMEOUT: 7,
  THROTTLED: 7,
  NO_SPACE: 7,
  READ_ONLY: 7,
  LOCKED: 7,
  UNLOCK_FAILED: 9,
  INVALID_KEY: 2,
  INVALID_ARGUMENT: 2,
  UNSUPPORTED: 2,
  TOO_LARGE: 2,
  BACKEND_NOT_INSTALLED: 2,
  ABORTED: 130,
  INTERNAL: 1,
};

describe('exit codes', () => {
  it('follow from what happened', async () => {
    const box = await sandbox();
    await writeFile(box.path('wrong'), 'a passphrase that opens nothing', { mode: 0o600 });
    const table = [
      [['ls'], 0],
      [['get', 'missing'], 3],
      [['--store', 'sqlite:./none.db', 'ls'], 3],
      [['rm', 'missing'], 3],
      [['purge', '--yes', 'missing'], 3],
      [['init', 'sqlite:./vault', '--key-file', 'credentials/securestore-key'], 6],
      [['--passphrase-file', 'wrong', 'ls'], 9],
      [['--fingerprint', '0'.repeat(52), 'ls'], 5],
      [['--fingerprint', 'none', 'ls'], 2],
      [['--store', 's3://bucket/x', 'ls'], 2],
      [['import', 'no-such-folder'], 2],
      [['--key-file', 'no-such-file', 'ls'], 2],
    ] as const;
    for (const [args, exitCode] of table) {
      const result = await box.run(['--json', ...args]);
      expect({ args, exitCode: result.exitCode }).toEqual({ args, exitCode });
      if (exitCode !== 0) expect(jsonLines(result.stderr)).toMatchObject([{ exitCode }]);
    }
  });

  it('tell damage from absence', async () => {
    const box = await sandbox('file');
    await box.seed({ k: 'data' });
    const files = await readdir(box.path('vault'), { recursive: true, withFileTypes: true });
    const records = files.filter((file) => file.isFile() && /\/o(?:\/|$)/.test(file.parentPath));
    expect(records.length).toBe(1);
    for (const { parentPath, name } of records) {
      const body = await readFile(join(parentPath, name));
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      await writeFile(join(parentPath, name), body);
    }
    const { exitCode, stdout } = await box.run(['get', 'k']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: '' });
  });

  it('belong to every code of the library', () => {
    const codes = Object.entries(EXIT_CODES);
    for (const [code, exitCode] of codes) {
      const error = new SecureStoreError(code as ErrorCode, 'text', { key: 'k' });
      expect(reportOf(error, { operation: 'get' })).toMatchObject({ code, key: 'k', operation: 'get', exitCode });
    }
    expect(reportOf(new TypeError('x is undefined'), {})).toMatchObject({ code: 'INTERNAL', exitCode: 1 });
  });
});
