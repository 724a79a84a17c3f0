import type { Session } from 'securestore';
import { writeFile } from 'node:fs/promises';
import { createStore, keyFile, openStore, rawKey } from 'securestore';
import { describe, expect, it } from 'vitest';
import { ACTIONS } from '../../../acl/src/rules/actions.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import type { Result } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';
import type { Sandbox } from '../support/cli.ts';

async function done(box: Sandbox, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await box.run(args);
  expect([args.join(' '), exitCode, exitCode === 0 ? '' : stderr]).toEqual([args.join(' '), 0, '']);
  return stdout;
}

/** With a role, and somebody who holds it. */
async function boxWithReader(): Promise<Sandbox> {
  const box = await sandbox();
  await done(box, 'role', 'add', 'db reader', '--template', 'reader', '--keys', 'db/**');
  await done(box, 'grant', 'corp:alice', 'db reader');
  return box;
}

/** As a program that serves the store: opens it, and does something as whoever has the token. */
async function withSession<T>(box: Sandbox, token: string, use: (session: Session) => Promise<T>): Promise<T> {
  const unlock = keyFile(box.path('credentials', 'securestore-key'));
  await using store = await openStore(`sqlite:${box.path('vault')}`, { unlock, maintenance: false });
  await using session = await store.session({ token });
  return await use(session);
}

const missingRole = (role: string, template: string): string[] => [
  `error: role "${role}" does not exist [NOT_FOUND]`,
  'hint: to list the roles: securestore role list',
  `hint: to create it: securestore role add ${role} --template ${template}`,
];

describe('roles and grants', () => {
  it('are explained with every action that there is', async () => {
    const box = await sandbox();
    const { stderr } = await box.run(['role', 'add', 'typo', '--allow', 'raed']);
    expect(stderr).toMatch(
      /unknown action "raed" .*\nhint: did you mean read\nhint: to list the actions: securestore help role add\n$/,
    );
    const words = (await done(box, 'help', 'role', 'add')).split(/[\s.]*\s|\.$/m);
    expect(ACTIONS.filter((action) => !words.includes(action))).toEqual([]);
  });

  it('are made, shown, explained and taken away', async () => {
    const box = await boxWithReader();
    expect(
      await done(box, 'role', 'add', 'db reader', '--deny', 'read', '--deny', 'list', '--keys', 'db/*/password'),
    ).toBe('db reader: deny read list on db/*/password\n');
    expect(await done(box, 'role', 'show', 'db reader')).toBe(
      '1: allow read list history on db/**\n2: deny read list on db/*/password\n',
    );
    expect(await done(box, 'role')).toMatch(/^ROLE +RULES +HELD BY\ndb reader +2 +1\n$/);
    expect(await done(box, 'grant')).toMatch(/^PRINCIPAL +KIND +ROLE +UNTIL\ncorp:alice +user +db reader\n$/);
    expect(await done(box, 'explain', 'corp:alice', 'read', 'db/prod/user')).toBe(
      'allowed: by rule 1 of the role db reader: allow read list history on db/**\n',
    );
    const denied = await box.run(['explain', 'corp:alice', 'read', 'db/prod/password']);
    expect(denied).toMatchObject({
      exitCode: 4,
      stdout: 'denied: by rule 2 of the role db reader: deny read list on db/*/password\n',
    });
    expect(await box.run(['explain', 'corp:alice', 'backup'])).toMatchObject({
      exitCode: 4,
      stdout: 'denied: no rule allows it\n',
    });
    expect(await done(box, 'revoke', 'corp:alice', 'db reader')).toBe('revoked db reader from corp:alice\n');
    expect((await box.run(['explain', 'corp:alice', 'read', 'db/prod/user'])).exitCode).toBe(4);
    expect((await box.run(['revoke', 'corp:alice'])).exitCode).toBe(2);
    expect(await done(box, 'revoke', 'corp:alice', '--yes')).toBe('removed corp:alice\n');
    expect((await box.run(['explain', 'corp:alice', 'read', 'db/a'])).stdout).toBe(
      'denied: the policy knows no corp:alice\n',
    );
  });

  it('are JSON where that is asked for', async () => {
    const box = await boxWithReader();
    const [role] = jsonLines(await done(box, 'role', '--json'));
    expect(role).toEqual({
      name: 'db reader',
      rules: [{ effect: 'allow', actions: ['read', 'list', 'history'], keys: ['db/**'] }],
    });
    const [principal] = jsonLines(await done(box, 'grant', '--json'));
    expect(principal).toEqual({ name: 'corp:alice', kind: 'user', disabled: false, grants: [{ role: 'db reader' }] });
    const [decision] = jsonLines(await done(box, 'explain', 'corp:alice', 'read', 'db/a', '--json'));
    expect(decision).toMatchObject({ allowed: true, reason: 'rule', rule: { role: 'db reader', index: 0 } });
  });

  it('end when they are told to', async () => {
    const box = await boxWithReader();
    await done(box, 'grant', 'deployer', 'db reader', '--service', '--expires', '2999-01-01');
    expect(await done(box, 'grant')).toMatch(/\ndeployer +service +db reader +2999-01-01 00:00:00Z\n$/);
    const [, deployer] = jsonLines(await done(box, 'grant', '--json'));
    expect(deployer).toMatchObject({ grants: [{ expires: Date.UTC(2999, 0, 1) }] });
  });

  it('are removed with what hangs on them only where that is agreed to', async () => {
    const box = await boxWithReader();
    const asked = await box.run(['role', 'remove', 'db reader']);
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toMatch(/1 principal will lose the role db reader/);
    await done(box, 'role', 'remove', 'db reader', '--yes');
    expect(await done(box, 'grant')).toMatch(/\ncorp:alice +user\n$/);
  });

  it('never leave a store without an administrator', async () => {
    const box = await sandbox();
    await done(box, 'role', 'add', 'admin', '--template', 'administrator');
    await done(box, 'grant', 'root', 'admin');
    const last = await box.run(['revoke', 'root', 'admin']);
    expect(last).toMatchObject({ exitCode: 6, stdout: '' });
    expect(last.stderr).toContain('no principal with a lasting grant of access.change');
  });
});

describe('tokens', () => {
  it('are shown once, act as their principal, and are revoked', async () => {
    const box = await boxWithReader();
    await box.seed({ 'db/a': 'one', 'web/b': 'two' });
    const made = await box.run(['token', 'new', 'corp:alice']);
    expect(made.stdout).toMatch(/^sst_[\w-]{11}_[\w-]{43}\n$/);
    const listed = await done(box, 'token');
    expect(listed).not.toContain(made.stdout.trim().slice(-43));
    const [info] = jsonLines(await done(box, 'token', '--json'));
    expect(info).toEqual({ id: expect.any(String), principal: 'corp:alice', created: expect.any(Number) });
    expect(await done(box, 'token', 'revoke', String(info?.['id']))).toMatch(/^revoked the token/);
    expect(await done(box, 'token', '--json')).toBe('');
    expect((await box.run(['token', 'revoke', String(info?.['id'])])).exitCode).toBe(3);
  });

  it('begin sessions of a program that has the store open', async () => {
    const url = `memory:${crypto.randomUUID()}`;
    await using store = await createStore(url, { unlock: rawKey(Buffer.alloc(32, 1)) });
    const { addPrincipal, grantRole, setRole, templateRules } = await import('securestore');
    await store.access.change([setRole('r', templateRules('reader')), addPrincipal('a', 'user'), grantRole('a', 'r')]);
    const { token } = await store.access.createToken('a');
    await using other = await openStore(url, { unlock: rawKey(Buffer.alloc(32, 1)) });
    await using session = await other.session({ token });
    expect(await session.list()).toEqual([]);
  });
});

it('refuses what makes no sense in one line and hints, and changes nothing', async () => {
  const box = await sandbox();
  const senseless = [
    ['role', 'show'],
    ['role', 'show', 'nothing'],
    ['role', 'add', 'r'],
    ['role', 'add', 'r', '--allow', 'fly'],
    ['role', 'add', 'r', '--allow', 'read', '--keys', 'a/../b'],
    ['role', 'add', '', '--allow', 'read'],
    ['role', 'fly', 'r'],
    ['role', '--allow', 'read'],
    ['grant', 'alice'],
    ['grant', 'alice', 'nothing'],
    ['grant', 'a\u200bb', 'r'],
    ['revoke', 'nobody', 'r'],
    ['token', 'new'],
    ['token', 'new', 'nobody'],
    ['token', 'revoke'],
    ['token', '--expires', '1d'],
    ['approval', 'fly'],
    ['approval', 'show'],
    ['approval', 'show', 'AAAAAAAAAAA'],
    ['approval', 'add'],
    ['approval', 'add', 'fly'],
    ['approval', 'add', 'approve'],
    ['approval', 'remove'],
    ['approval', 'remove', 'first'],
    ['approval', 'remove', '0'],
    ['approval', 'remove', '1'],
    ['approval', 'rules', '--keys', 'db/**'],
    ['approve', 'AAAAAAAAAAA'],
    ['deny', ''],
    ['explain', 'alice', 'fly'],
    ['explain', 'alice', 'read'],
    ['explain', 'alice', 'read', '/a'],
  ];
  for (const args of senseless) {
    const { exitCode, stdout, stderr } = await box.run(args);
    expect([args, exitCode === 2 || exitCode === 3, stdout]).toEqual([args, true, '']);
    expect(stderr).toMatch(/^error: [^\n]+ \[(?:INVALID_ARGUMENT|INVALID_KEY|NOT_FOUND)\]\n(?:hint: [^\n]+\n){0,3}$/);
  }
  expect(await done(box, 'role', '--json')).toBe('');
});

describe('approvals', () => {
  it('are asked for in sessions, listed, given and refused', async () => {
    const box = await boxWithReader();
    await done(box, 'role', 'add', 'db reader', '--allow', 'purge', '--keys', 'db/**');
    await box.seed({ 'db/a': 'one', 'db/b': 'two' });
    expect(await box.run(['approval'])).toMatchObject({ stdout: '', stderr: 'no requests for approval\n' });
    expect(await done(box, 'approval', 'add', 'purge,recover', '--keys', 'db/**')).toBe(
      'needs an approval from now on: purge recover on db/**\n',
    );
    await done(box, 'approval', 'add', 'access.change');
    expect(await done(box, 'approval', 'rules')).toBe('1: purge recover on db/**\n2: access.change\n');
    expect(await done(box, 'explain', 'corp:alice', 'purge', 'db/a')).toMatch(/^allowed with approval: by rule 2 /);

    const token = (await done(box, 'token', 'new', 'corp:alice')).trim();
    const [first, second] = await withSession(box, token, async (session) => {
      const reason = 'it is\u202e over';
      return [
        await session.approvals.request('purge', 'db/a', { reason }),
        await session.approvals.request('purge', 'db/b'),
      ] as const;
    });
    const listed = await done(box, 'approval');
    expect(listed).toMatch(
      /\n\S{11} +waiting +corp:alice +purge +db\/a +\d{4}-\S+ \S+Z +delete 1 object +it is\\u\{202e\} over\n/,
    );
    const told = ({ plan: _plan, ...rest }: typeof first): object => rest;
    expect(jsonLines(await done(box, 'approval', '--json'))).toMatchObject([told(first), told(second)]);
    expect(await done(box, 'approval', 'show', first.id)).toMatch(
      /^waiting until \d{4}-\S+ \S+Z, corp:alice: purge db\/a\nthe store would delete 1 object, and nothing else passes\n.*\n {2}delete db\/a\ncorp:alice writes: "it is\\u\{202e\} over"\n$/,
    );
    expect(jsonLines(await done(box, 'approval', 'show', second.id, '--json'))).toMatchObject([told(second)]);
    expect(await done(box, 'approve', first.id, '--expires', '10m')).toMatch(
      /^approved once until \d{4}-\S+ \S+Z, corp:alice: purge db\/a\nthe store would delete 1 object, and nothing else passes\n.*\n {2}delete db\/a\ncorp:alice writes: "it is\\u\{202e\} over"\n$/,
    );
    expect(await done(box, 'deny', second.id)).toBe('denied, corp:alice: purge db/b\n');
    await withSession(box, token, async (session) => {
      expect(await session.purge('db/a')).toBe(true);
      await expect(session.purge('db/b')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    });
    expect((await box.run(['approve', first.id])).exitCode).toBe(3);
    expect((await box.run(['approve', second.id])).exitCode).toBe(6);

    const stale = await withSession(box, token, (session) => session.approvals.request('purge', 'db/b'));
    await done(box, 'approve', stale.id);
    await box.seed({ 'db/b': 'three' });
    await withSession(box, token, async (session) => {
      await expect(session.purge('db/b')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    });
    expect(await done(box, 'approval')).toMatch(new RegExp(`^${stale.id} +outdated +corp:alice +purge +db/b`, 'm'));
    expect(await done(box, 'approval', 'show', stale.id)).toMatch(
      new RegExp(`\nrequest ${stale.id} for purge is outdated: its effect has changed .* request it again\n`),
    );
    const late = await box.run(['approve', stale.id]);
    expect(late).toMatchObject({
      exitCode: 6,
      stderr: expect.stringMatching(/is outdated: its plan has changed since it was approved/),
    });

    expect(await done(box, 'approval', 'remove', '1')).toBe('needs no approval any more: purge recover on db/**\n');
    expect(jsonLines(await done(box, 'approval', 'rules', '--json'))).toEqual([{ actions: ['access.change'] }]);
  });
});

/** Runs commands on a store that has the category pii, with the role reader and nobody in it. */
async function onStoreWithPii(): Promise<(...args: string[]) => Promise<Result>> {
  const { path } = await sandbox('none');
  const [key, url] = [path('vault.key'), `sqlite:${path('vault.db')}`];
  await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 });
  const store = await createStore(url, { unlock: keyFile(key), categories: { pii: ['people/**'] } });
  const { setRole, templateRules } = await import('securestore');
  await store.access.change(setRole('reader', templateRules('reader')));
  await store.close();
  const env = { SECURESTORE_URL: url };
  return (...args) => runHere([...args, '--no-anchor', '--key-file', key], { env });
}

describe('commands about access', () => {
  it.each([
    [
      ['approval', 'add', 'access.change,rotate', '--keys', 'db/**'],
      /access\.change, rotate are about the whole store/,
    ],
    [
      ['approval', 'add', 'purge', '--category', 'typo'],
      /category "typo", which does not exist .*\nhint: to show the settings: securestore settings /,
    ],
    [
      ['role', 'add', 'x', '--deny', 'read', '--category', 'piii'],
      /category "piii", which does not exist .*\nhint: to show the settings: securestore settings /,
    ],
    [['role', 'add', 'odd', '--template', 'operator', '--keys', 'db/**'], /rule 1 of the role "odd" binds nothing/],
    [
      ['role', 'add', 'x', '--allow', 'raed'],
      /unknown action "raed" .*\nhint: did you mean read\nhint: to list the actions: securestore help role add\n$/,
    ],
    [
      ['role', 'add', 'x', '--allow', 'read', '--keys', 'a/../b'],
      /the pattern "a\/\.\.\/b" must have only segments that a key can have \[INVALID_ARGUMENT\]/,
    ],
    [['approval', 'add', 'purg'], /unknown action "purg" .*\nhint: did you mean purge\nhint: to list the actions/],
  ])('a rule that binds nothing or misspells something is refused with what to do: %j', async (args, message) => {
    const run = await onStoreWithPii();
    expect(await run(...args)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    expect((await run('approval', 'rules')).stdout).toBe('');
    expect((await run('role')).stdout.split('\n')).toHaveLength(3);
  });

  it('names are trimmed before they are looked for, and whoever is new is said to be', async () => {
    const run = await onStoreWithPii();
    const following = 'Processes that have the store open follow within five seconds.\n';
    expect(await run('grant', 'ann', 'reader')).toMatchObject({
      exitCode: 0,
      stdout: 'added ann (user) and granted reader\n',
      stderr: following,
    });
    expect(await run('grant', 'ann ', ' reader')).toMatchObject({ exitCode: 0, stdout: 'granted reader to ann\n' });
    expect((await run('grant', 'job', 'reader', '--service')).stdout).toBe('added job (service) and granted reader\n');
    expect(jsonLines((await run('grant', 'bob ', 'reader', '--json')).stdout)).toEqual([
      { principal: 'bob', role: 'reader', added: true, pending: [] },
    ]);
    expect(await run('role', 'add', ' reader ', '--deny', 'read', '--category', 'pii')).toMatchObject({
      stdout: 'reader: deny read in pii\n',
      stderr: following,
    });
    expect((await run('role', 'show', 'reader ')).stdout).toBe('1: allow read list history\n2: deny read in pii\n');
    const asked = await run('role', 'remove', 'reader ');
    expect([asked.exitCode, asked.stderr]).toEqual([
      2,
      expect.stringContaining('3 principals will lose the role reader'),
    ]);
  });

  it('names what is missing, and how to create it', async () => {
    const box = await sandbox();
    const refused = async (...args: string[]): Promise<string[]> => {
      const { exitCode, stderr } = await box.run(args);
      expect(exitCode).toBe(3);
      return stderr.trimEnd().split('\n');
    };
    expect(await refused('grant', 'bob', 'auditor')).toEqual(missingRole('auditor', 'auditor'));
    const [missing, list] = missingRole('db', 'reader');
    const some = "hint: to create it for some objects: securestore role add db --template reader --keys 'PREFIX/**'";
    expect(await refused('grant', 'bob', 'db')).toEqual([missing, list, some]);
    expect(await refused('token', 'new', 'bob')).toEqual([
      'error: principal "bob" does not exist [NOT_FOUND]',
      'hint: a grant creates a principal: securestore grant bob ROLE',
    ]);
  });

  it('nobody is asked about removing somebody whom there is not', async () => {
    const run = await onStoreWithPii();
    expect(await run('revoke', 'ghost')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('principal "ghost" does not exist'),
    });
  });
});
