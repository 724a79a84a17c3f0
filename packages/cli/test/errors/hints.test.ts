import { execFileSync } from 'node:child_process';
import type { Advice } from '@securestore/core-format';
import { ADVICE_IDS } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { hintsOf } from '../../src/errors/advice-hints.ts';
import { hintText } from '../../src/errors/hints.ts';
import { nextSteps } from '../../src/call/next-steps.ts';
import { type Result, sandbox } from '../support/cli.ts';

const SECRET = 'token-that-nobody-may-read';

/** An advice with every parameter that any has. */
function adviceOf(id: string): Advice {
  return {
    id,
    job: 'rotation',
    key: 'db/password',
    url: 'file:./there',
    slot: 'a1b2c3',
    target: 'pii',
    source: 'file:./here',
    destination: 'file:./backup',
    path: './a file',
    to: 'name',
    action: 'read',
    call: 'retrieve',
    form: 's3://bucket/prefix?region=name',
    package: '@securestore/backend-s3',
    setting: 'ca',
  } as unknown as Advice;
}

/** The words that a shell makes of a line. */
function words(line: string): string[] {
  const printed = execFileSync('/bin/sh', ['-c', `securestore() { printf '%s\\0' "$@"; }\n${line}`], {
    encoding: 'utf8',
  });
  return printed.split('\0').slice(0, -1);
}

/** The command of one advice. */
const commandOf = (advice: Advice): string | undefined => hintsOf([advice], { verb: 'get', args: [] })[0]?.command;

/** The command that repeats another one. */
const again = (verb: string, args: readonly string[]): string | undefined =>
  hintsOf([{ id: 'accept-rollback' }], { verb, args })[0]?.command;

/** The command that repeats another one on a store that has moved. */
const elsewhere = (verb: string, args: readonly string[]): string | undefined =>
  hintsOf([adviceOf('open-at')], { verb, args, options: { store: 'file:./old' } })[0]?.command;

describe('the hints of an error', () => {
  it.each(ADVICE_IDS)('have one for %s: a short text, with a command or what to give', (id) => {
    const [hint] = hintsOf([adviceOf(id)], { verb: 'ls', args: ['ls'], options: {} });
    const text = hintText(hint ?? { text: '' });
    expect(text).toMatch(/^[a-z]/);
    expect(text).not.toMatch(/undefined|\[object/);
    expect(text.length).toBeLessThanOrEqual(140);
  });

  it('name a file as no option, and show the characters of a key that cannot be seen', () => {
    expect(commandOf({ id: 'delete-anchor', path: '-rf' })).toBe('rm ./-rf');
    expect(commandOf({ id: 'restrict-file', path: '-R' })).toBe('chmod 600 ./-R');
    expect(commandOf({ id: 'undelete-object', key: 'a\u200b' })).toBe("securestore undelete $'a\\342\\200\\213'");
    expect(commandOf({ id: 'undelete-object', key: 'a\\' })).toBe("securestore undelete 'a'\\\\''");
  });

  it('repeat a command on a store that has moved, on that store alone, and carry no decision there', () => {
    const there = ['securestore', '--store', 'file:./there', 'get', 'k'].slice(1);
    for (const args of [
      ['get', 'k'],
      ['-s', 'file:./old', 'get', 'k'],
      ['--store', 'a:b', 'get', 'k', '--store=c:d'],
    ])
      expect(words(elsewhere('get', args) ?? '')).toEqual(there);
    for (const decided of ['--accept-rollback', '--trust-first-use', '--yes', '-y', '-ry', '-sfile:./old']) {
      const line = elsewhere('rm', [decided, 'rm', 'k']) ?? '';
      expect(words(line)).not.toContain(decided);
      expect(words(line)).not.toContain('k');
    }
  });

  it('end a migration at the target, if that is what failed at the source', () => {
    const line = elsewhere('migrate', ['migrate', '--finalize']) ?? '';
    expect(line).toBe('securestore migrate file:./there --finalize');
    expect(elsewhere('migrate', ['migrate', 'file:./old', '--fail-back'])).toBe('securestore ls --store file:./there');
  });

  it('are three at most, the first ones', () => {
    const advice = ['resume-job', 'forget-job', 'cancel-job', 'list-jobs'].map(adviceOf);
    const found = hintsOf(advice, { args: [] });
    expect(found.map(({ command }) => command)).toEqual([
      'securestore job resume rotation',
      'securestore job forget rotation',
      'securestore job cancel rotation',
    ]);
  });

  it('are given once, though two pieces of advice come to the same', () => {
    const advice = ['restore', 'restore.replace'].map((action) => ({
      id: 'request-approval',
      action,
      call: 'restore',
    }));
    const found = hintsOf(advice as unknown as readonly Advice[], { verb: 'restore', args: ['restore', 'file:./b'] });
    expect(found.map(({ command }) => command)).toEqual(['securestore --ask=REASON restore file:./b']);
  });

  it('are for the same store, opened by the same secret, whatever characters these have', () => {
    const options = {
      store: "file:./my vault's",
      keyFile: '$HOME/key file',
      shareFile: ['a b', ';reboot'],
      anchor: false,
      token: SECRET,
    };
    const [hint] = hintsOf([{ id: 'resume-job', job: '-$(id)' }], { verb: 'rotate', args: ['rotate'], options });
    expect(words(hint?.command ?? '')).toEqual([
      'job',
      '--store',
      options.store,
      '--key-file',
      options.keyFile,
      '--share-file',
      'a b',
      '--share-file',
      ';reboot',
      '--no-anchor',
      '--',
      'resume',
      '-$(id)',
    ]);
  });

  it('repeat the command that failed, unless it may hold a secret', () => {
    expect(words(again('get', ['get', 'a b', '--store', 'file:./v']) ?? '')).toEqual([
      '--accept-rollback',
      'get',
      'a b',
      '--store',
      'file:./v',
    ]);
    for (const args of [
      ['--token', SECRET, 'ls'],
      [`--token=${SECRET}`, 'ls'],
      ['put', 'a', '--meta', `x=${SECRET}`],
      ['put', 'a', `--meta=x=${SECRET}`],
    ]) {
      expect(again(args.at(-1) ?? '', args)).toBeUndefined();
    }
    for (const [verb, ...more] of [
      ['get', `-spostgres://u:${SECRET}@h/db`, 'k'],
      ['get', '--store', `Postgres://u:${SECRET}@h/db`],
      ['approval request', '--operation', JSON.stringify({ destination: SECRET })],
      ['get', JSON.stringify({ destination: `s3://AK:${SECRET}@h/b` })],
      ['schedule run', '--before', `curl -u me:${SECRET}`],
      ['schedule run', '--exec', `curl -u me:${SECRET}`],
      ['get', '--store', `mysql:u:${SECRET}@h`],
      ['get', `--store=postgres:host=h password=${SECRET}`],
    ] as const) {
      expect(again(verb, [verb, ...more])).toBeUndefined();
      expect(elsewhere(verb, [verb, ...more]) ?? '').not.toContain(SECRET);
    }
    expect(again('exec', ['exec', '--', 'login', SECRET])).toBeUndefined();
  });

  it('repeat the command on the store that has moved', () => {
    const moved = [{ id: 'open-at', url: 'sqlite:./new.db' }] as const;
    const at = (verb: string, args: readonly string[]): string | undefined =>
      hintsOf(moved, { verb, args })[0]?.command;
    expect(at('put', ['put', 'a b', './f', '--store', 'file:./v'])).toBe(
      "securestore --store sqlite:./new.db put 'a b' ./f",
    );
    expect(at('put', ['put', '--store=file:./v', 'a'])).toBe('securestore --store sqlite:./new.db put a');
    expect(at('get', ['get', 'a'])).toBe('securestore --store sqlite:./new.db get a');
    for (const [verb, args] of [
      ['verify', ['verify', 'file:./v']],
      ['put', ['put', 'a', '--meta', `x=${SECRET}`]],
    ] as const) {
      expect(at(verb, args)).toBe('securestore ls --store sqlite:./new.db');
    }
  });

  it('name the scheme that was meant', () => {
    const [hint] = hintsOf([{ id: 'give-store-url', form: 'sqlite:…' }], { args: ['ls', '--store', 'sqllite:./v'] });
    expect(hint?.text).toBe('did you mean sqlite:…');
  });

  it.each([`postgres://ann:${SECRET}@db/vault`, `s3://bucket/v?secretAccessKey=${SECRET}`, `https://${SECRET}@vault`])(
    'name no store URL with credentials: %s',
    (url) => {
      const options = { store: url };
      const advice = [
        { id: 'list-jobs' },
        { id: 'create-store' },
        { id: 'accept-rollback' },
        { id: 'resume-migration', target: url },
      ] as const;
      for (const one of advice) {
        for (const args of [
          ['ls', '--store', url],
          ['ls', `--store=${url}`],
        ]) {
          const hints = hintsOf([one], { verb: 'ls', args, options });
          expect(hints).toHaveLength(1);
          expect(JSON.stringify(hints)).not.toContain(SECRET);
        }
      }
      const [own] = hintsOf([], { args: [] }, [{ text: 'to verify it', on: ['verify', url] }]);
      expect(own?.command).toBe('securestore verify URL');
      for (const steps of [nextSteps({}, url), nextSteps({ store: url }, undefined)]) {
        expect(steps[0]?.command).toBe('securestore put db/password --store URL');
        expect(JSON.stringify(steps)).not.toContain(SECRET);
      }
    },
  );

  it('of a command come before those of the library, and none comes twice', () => {
    const own = [
      { text: 'which there are', on: ['job', 'list'] },
      { text: 'once more', again: true },
    ];
    const advice = [{ id: 'list-jobs' }, { id: 'use-anchor' }] as const;
    expect(hintsOf(advice, { verb: 'get', args: ['get', 'k'] }, own)).toEqual([
      { text: 'which there are', command: 'securestore job list' },
      { text: 'once more', command: 'securestore get k' },
      { text: 'leave out --no-anchor' },
    ]);
  });
});

/** The words of every command in a text. */
function commandsIn(text: string): (readonly string[])[] {
  const lines = text.match(/securestore (?!help)[a-z].*?(?= removes| puts| begins| says|;|\n|$)/g) ?? [];
  return lines.map((line) => words(line));
}

/** Runs a command with its store and its secret as options, as a person may who has no environment for them. */
async function atHand(): Promise<{ run: (...args: string[]) => Promise<Result>; given: string[]; backup: string }> {
  const box = await sandbox();
  const [url, backup] = [`sqlite:${box.path('vault')}`, `file:${box.path('backup')}`];
  const given = ['--store', url, '--key-file', box.path('credentials', 'securestore-key'), '--no-anchor'];
  const env = { SECURESTORE_URL: '', CREDENTIALS_DIRECTORY: '' };
  return { run: (...args) => box.run([...args, ...given], { env }), given, backup };
}

describe('the commands in messages', () => {
  it.for([
    ['an operand is missing', ['member', 'revoke']],
    ['an operand is missing', ['key', 'destroy']],
    ['an operand is missing', ['token', 'revoke']],
    ['an object is not there', ['get', 'db/passwort']],
    ['there are no members', ['member']],
    ['there are no roles', ['role']],
    ['there are no tokens', ['token']],
    ['no action needs an approval', ['approval', 'rules']],
    ['the store is not audited', ['audit']],
    ['there are no backups', ['destination']],
    ['a destination is added', ['destination', 'add', 'BACKUP']],
    ['a retention is set', ['retention', 'BACKUP', '--set', '--keep-last', '3']],
    ['a category does not exist', ['settings', 'change', '--retire-category', 'none']],
  ] as const)('are on the store of the person, opened by their secret, if %s: %j', async ([, args]) => {
    const { run, given, backup } = await atHand();
    if (args[0] === 'retention') await run('destination', 'add', backup);
    if (args[0] === 'get') expect((await run('put', 'db/password')).exitCode).toBe(0);
    const { stdout, stderr } = await run(...args.map((arg) => (arg === 'BACKUP' ? backup : arg)));
    const commands = commandsIn(`${stdout}\n${stderr}`);
    expect(commands).not.toEqual([]);
    for (const command of commands) {
      expect(command).toEqual(expect.arrayContaining(given));
    }
  });
});
