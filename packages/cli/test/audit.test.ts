import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from './support/cli.ts';
import type { Sandbox } from './support/cli.ts';

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
    for (const action of ['tail', 'export']) {
      const refused = await box.run(['audit', action]);
      expect(refused).toMatchObject({ exitCode: 2 });
      expect(refused.stderr).toContain(
        'the store has no audit log [UNSUPPORTED]\nhint: to begin one: securestore audit on',
      );
    }
    expect((await box.run(['audit', 'on'])).stderr).toContain('needs --auditor RECIPIENT');
    expect((await box.run(['audit', 'on', '--auditor', 'SSRP1-ABCD'])).exitCode).toBe(2);
  });

  it('shows who did what, and verifies it for the auditor alone', async () => {
    const { box, identity } = await auditedBox();
    expect(await done(box, 'audit')).toMatch(/^the store is audited \(batched\)/);
    await done(box, 'put', 'db/password', '--meta', 'owner=ops');
    expect((await box.run(['get', 'db/other'])).exitCode).toBe(3);
    const shown = await done(box, 'audit', 'tail', '-n', '100');
    expect(shown).toMatch(/allowed +\[root\] +write +#\S+ +default/);
    expect(shown).toMatch(/failed +\[root\] +read +#\S+ +default +NOT_FOUND/);
    expect(shown).not.toContain('password');
    const [last] = jsonLines(await done(box, 'audit', 'tail', '-n', '1', '--json'));
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

  it('finds what there is about an object by its name, which the log does not have', async () => {
    const { box } = await auditedBox();
    for (const key of ['db/password', 'db/other']) expect((await box.run(['get', key])).exitCode).toBe(3);
    const found = jsonLines(await done(box, 'audit', 'tail', '--name', 'db/password', '--json'));
    expect(found).toMatchObject([{ action: 'read', outcome: 'failed', object: expect.stringMatching(/^#/) }]);
    expect(await box.run(['audit', 'tail', '--name', 'db'])).toMatchObject({ stdout: '', stderr: 'no entries\n' });
    expect((await box.run(['audit', 'export', '--name', 'db'])).stderr).toContain('--name belongs to audit tail');
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
    expect((await box.run(['audit', 'tail', '--fail-closed'])).stderr).toContain('--fail-closed belongs to audit on');
    expect((await box.run(['audit', 'shred'])).exitCode).toBe(2);
  });
});
