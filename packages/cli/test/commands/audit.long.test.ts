import { describe, expect, it } from 'vitest';
import { ADMINISTRATION } from '../../../acl/src/administration/administration.ts';
import { SURFACE } from '../../../acl/src/guard/surface.ts';
import { END_ACTION, LOST_ACTION } from '../../../audit/src/entry/own-actions.ts';
import { CALL_PERMISSIONS, RECORDED_ACTIONS } from '../../src/access/audit-actions.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import type { Sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';
import { serving } from '../support/serving.ts';

async function done(box: Sandbox, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await box.run(args);
  expect([args.join(' '), exitCode, exitCode === 0 ? '' : stderr]).toEqual([args.join(' '), 0, '']);
  return stdout;
}

/** A store that is audited, and the identity file of its auditor. */
async function auditedBox(...more: string[]): Promise<{ box: Sandbox; identity: string }> {
  const box = await sandbox();
  const identity = box.path('auditor.identity');
  const made = await done(box, 'identity', 'new', '-o', identity);
  const recipient = /SSRP1-[A-Z0-9-]+/.exec(made)?.[0] ?? '';
  await done(box, 'audit', 'on', '--auditor', recipient, ...more);
  return { box, identity };
}

describe('audit', () => {
  it('is off at first, and says how to switch it on', async () => {
    const box = await sandbox();
    expect(await done(box, 'audit')).toMatch(/^the store is not audited; securestore audit on --auditor/);
    for (const action of ['log', 'export']) {
      const refused = await box.run(['audit', action]);
      expect(refused).toMatchObject({ exitCode: 2 });
      expect(refused.stderr).toContain(
        'the store has no audit log [UNSUPPORTED]\nhint: to begin one: securestore audit on --auditor RECIPIENT',
      );
    }
    expect(await done(box, 'audit', 'off')).toBe('the store is not audited. Nothing was changed.\n');
    expect(jsonLines(await done(box, 'audit', 'off', '--json'))).toEqual([{ on: false }]);
    expect((await box.run(['audit', 'on'])).stderr).toContain('needs --auditor RECIPIENT');
    expect((await box.run(['audit', 'on', '--auditor', 'SSRP1-ABCD'])).exitCode).toBe(2);
  });

  it('shows who did what, and verifies it for the auditor alone', async () => {
    const { box, identity } = await auditedBox();
    expect(await done(box, 'audit')).toMatch(/^the store is audited \(batched\)/);
    await done(box, 'put', 'db/password', '--meta', 'owner=ops');
    expect((await box.run(['get', 'db/other'])).exitCode).toBe(3);
    const shown = await done(box, 'audit', 'log', '-n', '100', '--long', '--hashes');
    expect(shown).toMatch(/allowed +\[owner\] +write +#\S+ +default/);
    expect(shown).toMatch(/failed +\[owner\] +read +#\S+ +default +NOT_FOUND *$/m);
    // What the put looks up to say what it drops.
    expect(shown).toMatch(/failed +\[owner\] +read +#\S+ +default +NOT_FOUND: metadata only *$/m);
    await done(box, 'put', 'db/password', '--meta', 'owner=ops');
    await done(box, 'get', 'db/password');
    const reads = await done(box, 'audit', 'log', '--action', 'read', '--result', 'allowed');
    expect(reads.match(/ read .*/g)).toEqual([
      expect.stringMatching(/db\/password \(metadata only\)$/),
      expect.stringMatching(/db\/password$/),
    ]);
    expect(shown).not.toContain('password');
    const [last] = jsonLines(await done(box, 'audit', 'log', '-n', '1', '--json'));
    expect(last).toMatchObject({ outcome: 'allowed', action: 'audit.end' });
    expect(await done(box, 'audit', 'verify', '--auditor-identity', identity)).toMatch(
      /^nothing is wrong in \d+ segments/,
    );
    const other = box.path('other.identity');
    await done(box, 'identity', 'new', '-o', other);
    const refused = await box.run(['audit', 'verify', '--auditor-identity', other]);
    expect(refused.exitCode).toBe(5);
    expect(refused.stdout).toMatch(/^unverifiable: /);
  });

  it('says what the log cannot hold, as soon as the store has members or backups', async () => {
    const { box, identity } = await auditedBox();
    const log = async (): Promise<string> => (await box.run(['audit', 'log'])).stderr;
    expect(await log()).not.toContain('not in this log');
    expect(jsonLines(await done(box, 'audit', '--json'))).toMatchObject([{ on: true, notRecorded: [] }]);
    await box.seed({ 'db/password': 's3cr3t' });
    await done(box, 'backup', `file:${box.path('backup')}`);
    expect(await log()).toMatch(/\nnot in this log: reads of a backup by restore with --stdout, --folder or --to\n$/);
    // The claim itself.
    const read = await done(box, 'restore', `file:${box.path('backup')}`, '--key', 'db/password', '--stdout');
    expect(read).toBe('s3cr3t');
    const entries = jsonLines(await done(box, 'audit', 'log', '--all', '--json'));
    expect(entries.filter(({ action }) => action === 'read' || String(action).startsWith('restore'))).toEqual([]);
    const recipient = /SSRP1-[A-Z0-9-]+/.exec(await done(box, 'identity', 'show', identity))?.[0] ?? '';
    await done(box, 'member', 'add', 'ann', recipient, '--category', 'default');
    expect(await log()).toMatch(/\nnot in this log: calls of members, .*; reads of a backup .*\n$/);
    expect((await box.run(['audit'])).stderr).toMatch(/^not in this log: calls of members/);
    expect(await done(box, 'audit', 'off')).toBe('the store is audited no longer; the log stays\n');
    expect(await done(box, 'audit', 'off')).toBe('the store is not audited. Nothing was changed.\n');
    expect(await log()).toMatch(/\nnot in this log: calls of members, .*; reads of a backup .*\n$/);
    expect((await box.run(['audit'])).stderr).not.toContain('not in this log');
  });

  it('finds what there is about an object by its name, which the log does not have', async () => {
    const { box } = await auditedBox();
    for (const key of ['db/password', 'db/other']) expect((await box.run(['get', key])).exitCode).toBe(3);
    // Without a look of its own into the history, which would be one more failed attempt.
    expect((await box.run(['get', 'web/password'])).stderr).toContain(
      'hint: to see whether older versions exist: securestore history web/password\n',
    );
    const found = jsonLines(await done(box, 'audit', 'log', '--key', 'db/password', '--json'));
    expect(found).toMatchObject([
      { action: 'read', outcome: 'failed', object: expect.stringMatching(/^#/), key: 'db/password' },
    ]);
    // As it was called before.
    expect(jsonLines(await done(box, 'audit', 'tail', '--name', 'db/password', '--json'))).toEqual(found);
    expect(await done(box, 'audit', 'log', '--key', 'db')).not.toContain('read');
    expect((await box.run(['audit', 'export', '--name', 'db'])).stderr).toContain('--name belongs to audit log');
  });

  it('shows the keys of objects that are there, and hashes of others', async () => {
    const { box } = await auditedBox();
    await done(box, 'put', 'db/password');
    await done(box, 'ls', 'db/');
    await done(box, 'put', 'db/gone');
    await done(box, 'purge', 'db/gone', '--yes');
    const lines = (await done(box, 'audit', 'log', '-n', '100')).split('\n');
    expect(lines[0]).toMatch(/^TIME +RESULT +PRINCIPAL +ACTION +OBJECT$/);
    expect(lines.some((line) => /allowed +\[owner\] +write +db\/password$/.test(line))).toBe(true);
    expect(lines.some((line) => /allowed +\[owner\] +list +db\/$/.test(line))).toBe(true);
    expect(lines.some((line) => /allowed +\[owner\] +write +#\S{22}$/.test(line))).toBe(true);
    expect(lines.join('\n')).not.toContain('db/gone');
    const entries = jsonLines(await done(box, 'audit', 'log', '-n', '100', '--json'));
    const keys = entries.map(({ key }) => key).filter((key) => key !== undefined);
    expect(new Set(keys)).toEqual(new Set(['db/password', 'db/']));
    expect(entries.every(({ object }) => object === '' || String(object).startsWith('#'))).toBe(true);
  });

  it('is filtered by what was tried, by whom, of what, when and with which result', async () => {
    const { box } = await auditedBox();
    await done(box, 'put', 'a');
    for (let n = 0; n < 3; n++) expect((await box.run(['get', 'missing'])).exitCode).toBe(3);
    await done(box, 'get', 'a');
    const log = async (...args: string[]): Promise<Record<string, unknown>[]> =>
      jsonLines(await done(box, 'audit', 'log', '--json', ...args));
    const failed = await log('--action', 'read', '--result', 'failed', '--key', 'missing');
    expect(failed.map(({ action, reason }) => [action, reason])).toEqual(failed.map(() => ['read', 'NOT_FOUND']));
    expect(failed).toHaveLength(3);
    expect(await log('--action', 'read', '--result', 'failed', '--key', 'missing', '-n', '2')).toEqual(failed.slice(1));
    expect(await log('--action', 'write', '--key', 'a')).toMatchObject([{ action: 'write', key: 'a' }]);
    expect(await log('--action', 'list', '--key', 'a', '--result', 'failed')).toEqual([]);
    expect(await log('--principal', 'ann')).toEqual([]);
    expect(await log('--principal', '[owner]', '--action', 'read', '--key', 'missing')).toHaveLength(3);
    expect(await log('--principal', 'owner')).toEqual([]);
    expect(await log('--until', '1h')).toEqual([]);
    expect(await log('--since', '2099-01-01')).toEqual([]);
    const times = failed.map(({ time }) => String(time));
    const [first = '', second = ''] = times;
    expect(await log('--action', 'read', '--since', second, '--key', 'missing')).toEqual(
      failed.filter(({ time }) => String(time) >= second),
    );
    const early = await log('--action', 'read', '--until', second, '--key', 'missing');
    expect(early).toEqual(failed.filter(({ time }) => String(time) < second));
    // More than 20 are shown if a beginning is given.
    for (let n = 0; n < 10; n++) await done(box, 'ls');
    expect((await log('--since', first)).length).toBeGreaterThan(20);
    expect(await log()).toHaveLength(20);
    expect((await box.run(['audit', 'log', '--principal', 'ann'])).stderr).toBe('no entries\n');
    for (const wrong of [
      ['--since', 'soon'],
      ['--result', 'no'],
      ['--until', '1h', '-f'],
      ['--since', '1h', '--until', '2h'],
    ])
      expect((await box.run(['audit', 'log', ...wrong])).exitCode).toBe(2);
  });

  it('is filtered over a server too, where hashes stay', async () => {
    const { box } = await auditedBox();
    await done(box, 'put', 'db/password');
    await done(box, 'role', 'add', 'everything', '--allow', '*');
    await done(box, 'grant', 'ann', 'everything');
    const token = (await done(box, 'token', 'new', 'ann')).trim();
    const { url } = await serving(box);
    const env = { SECURESTORE_URL: url, SECURESTORE_TOKEN: token, HOME: box.path() };
    const log = await runHere(['audit', 'log', '--action', 'write', '--since', '1h', '--json'], { env });
    expect(log, log.stderr).toMatchObject({ exitCode: 0 });
    const entries = jsonLines(log.stdout);
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(entry).toMatchObject({ action: 'write', object: expect.stringMatching(/^#/) });
      expect(entry).not.toHaveProperty('key');
    }
    const about = await runHere(['audit', 'log', '--key', 'db/password', '--result', 'allowed', '--json'], { env });
    expect(jsonLines(about.stdout)).toMatchObject([{ action: 'write', principal: '[owner]' }]);
  });

  it('refuses an action that no entry can have, and takes the permission that a denial names', async () => {
    const { box } = await auditedBox();
    const refused = async (action: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await box.run(['audit', 'log', '--action', action]);
      expect([exitCode, stdout]).toEqual([2, '']);
      return stderr;
    };
    expect(await refused('get')).toMatch(
      /^error: unknown action "get" in --action \[INVALID_ARGUMENT\]\nhint: did you mean read\nhint: to list the actions: securestore help audit log$/m,
    );
    expect(await refused('audit.enabel')).toContain('hint: did you mean audit.enable\n');
    expect(await refused('x'.repeat(100))).not.toContain('xxx');
    // Denials of other calls that need the permission of the same name would be missed without a word.
    const { stderr } = await box.run(['audit', 'log', '--action', 'verify']);
    expect(stderr).toContain('only the action verify; these need the permission verify, too: scrub\n');
    expect((await box.run(['audit', 'log', '--action', 'read'])).stderr).not.toContain('only the action');
    await done(box, 'role', 'list');
    const views = jsonLines(await done(box, 'audit', 'log', '--action', 'access.view', '--json'));
    expect(new Set(views.map(({ action }) => action))).toEqual(new Set(['access.policy']));
    expect(views).toEqual(jsonLines(await done(box, 'audit', 'log', '--action', 'access.policy', '--json')));
    expect(await done(box, 'audit', 'log', '--action', 'audit.view')).toContain('audit.entries');
  });

  it('knows the permission of every call of the administration', () => {
    expect(CALL_PERMISSIONS).toEqual(ADMINISTRATION);
    for (const action of [...Object.values(SURFACE), END_ACTION, LOST_ACTION])
      expect(RECORDED_ACTIONS).toContain(action);
  });

  it('says which part of a period it covers', async () => {
    const { box, identity } = await auditedBox();
    const notes = async (...args: string[]): Promise<string> =>
      (await box.run(['audit', 'log', '--since', '7d', ...args])).stderr;
    const since = /^recorded since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*$/m;
    expect(await notes()).toMatch(since);
    expect(await notes('--key', 'db/password')).toMatch(since);
    expect(await notes()).not.toContain('not recorded');
    expect((await box.run(['audit', 'log', '--since', '0s'])).stderr).not.toContain('recorded since');
    await done(box, 'audit', 'off');
    expect(await notes()).toMatch(/^not recorded from \S+ \S+ on, while the audit log was off/m);
    await done(box, 'audit', 'on', '--auditor', (await done(box, 'identity', 'show', identity)).trim());
    expect(await notes()).toMatch(/^not recorded from \S+ \S+ to \S+ \S+, while the audit log was off/m);
    expect((await box.run(['audit', 'log'])).stderr).not.toContain('while the audit log was off');
  });

  it('says that calls of members are missing after the member was revoked, too', async () => {
    const { box, identity } = await auditedBox();
    const recipient = (await done(box, 'identity', 'show', identity)).trim();
    await done(box, 'member', 'add', 'ann', recipient, '--category', 'default');
    await done(box, 'member', 'revoke', 'ann', '--yes');
    expect((await box.run(['member', 'list'])).stdout).not.toContain('ann');
    expect((await box.run(['audit', 'log', '--since', '7d'])).stderr).toMatch(/\nnot in this log: calls of members/);
  });

  it('leaves out what the store itself did, unless it is asked for', async () => {
    const { box, identity } = await auditedBox();
    await done(box, 'put', 'a');
    await done(box, 'ls');
    const own = /unlock|key\.used/;
    const short = await box.run(['audit', 'log', '-n', '2']);
    expect(short.stdout.replaceAll(/^\S+ \S+ +/gm, '')).toMatch(
      /^TIME.*\nallowed +\[owner\] +write .*\nallowed +\[owner\] +list *\n$/,
    );
    expect(short.stderr).toMatch(
      /^2 entries\n[2-9] routine entries, such as unlock, are left out; --all shows them\n$/,
    );
    // What switches the audit, and what was denied or failed, is never left out.
    await done(box, 'audit', 'off');
    await done(box, 'audit', 'on', '--auditor', (await done(box, 'identity', 'show', identity)).trim());
    const switched = await done(box, 'audit', 'log', '-n', '100');
    expect(switched).toMatch(/allowed +\[owner\] +audit\.enable/);
    expect(switched).not.toMatch(own);
    const all = await box.run(['audit', 'log', '-n', '100', '--all']);
    expect(all.stdout).toMatch(own);
    expect(all.stderr).toMatch(/^\d+ entries\n$/);
    expect(await done(box, 'audit', 'log', '--action', 'unlock')).toMatch(own);
    expect(await done(box, 'audit', 'log', '--json')).toMatch(own);
    expect(await box.run(['audit', 'log', '-n', '0'])).toMatchObject({ stdout: '', stderr: 'no entries\n' });
  });

  it('is as wide as a terminal', async () => {
    const { box } = await auditedBox();
    const key = `db/${'long/'.repeat(30)}er`;
    await done(box, 'put', key);
    const env = { ...box.env };
    const { stdout } = await runHere(['audit', 'log', '--store', `sqlite:${box.path('vault')}`], {
      env,
      terminal: true,
    });
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/write +db\/long\/\S*…\n/);
  });

  it('exports what the library verifies, and stops recording when it is switched off', async () => {
    const { box } = await auditedBox('--fail-closed');
    await done(box, 'ls');
    const lines = (await done(box, 'audit', 'export')).trimEnd().split('\n');
    expect(lines.every((line) => line.startsWith('{"audit":1,"segment":"'))).toBe(true);
    await done(box, 'audit', 'off');
    const before = await done(box, 'audit', 'export');
    await done(box, 'ls');
    expect(await done(box, 'audit', 'export')).toBe(before);
  });

  it('refuses options that belong to another action', async () => {
    const box = await sandbox();
    expect((await box.run(['audit', 'log', '--fail-closed'])).stderr).toContain('--fail-closed belongs to audit on');
    expect((await box.run(['audit', 'shred'])).exitCode).toBe(2);
  });
});
