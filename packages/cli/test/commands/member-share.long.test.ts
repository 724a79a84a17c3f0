import { generateIdentityFile } from 'securestore';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox, type Sandbox } from '../support/cli.ts';

/** A store with objects in the default category, and the recipient of a colleague. */
async function scene(onEnd: Parameters<typeof sandbox>[1]): Promise<Sandbox & { readonly recipient: string }> {
  const box = await sandbox('sqlite', onEnd);
  await box.seed({ 'team/a': 'first', 'team/deep/b': 'second', other: 'private' }, { metadata: { owner: 'ops' } });
  const recipient = await generateIdentityFile(box.path('me.identity'));
  return { ...box, recipient };
}

const SHARE = ['--category', 'team', '--prefix', 'team/', '--into', 'shared/team/'] as const;

// A change of categories waits for other processes.
describe.concurrent('member add for a folder that exists', () => {
  it('is what the errors on the way there lead to', async ({ onTestFinished }) => {
    const { run, recipient } = await scene(onTestFinished);
    const defined = await run(['settings', 'change', '--define-category', 'team=team/**']);
    expect(defined).toMatchObject({ exitCode: 6, stdout: '' });
    expect(defined.stderr).toContain('member add NAME RECIPIENT --category team --prefix team/ --into NEW_FOLDER/');
    for (const grant of [[], ['--category', 'team']]) {
      const refused = await run(['member', 'add', 'ann', recipient, ...grant]);
      expect(refused.stderr).toMatch(
        /hint: to share a folder that exists, add .*--prefix FOLDER\/ --into NEW_FOLDER\//,
      );
    }
  });

  it('says what it costs and does nothing unless that is agreed to', async ({ onTestFinished }) => {
    const { run, recipient } = await scene(onTestFinished);
    const asked = await run(['member', 'add', 'ann', recipient, ...SHARE]);
    expect(asked).toMatchObject({ exitCode: 2, stdout: '' });
    expect(asked.stderr).toMatch(
      /^2 objects \(\d+ B\) would be encrypted again, .* category team\. That takes \d+ s or more/,
    );
    expect(asked.stderr).toContain('team/a becomes shared/team/a');
    expect(asked.stderr).toContain('cannot ask without a terminal: 2 objects (11 B) would get new keys');
    expect((await run(['ls'])).stdout).toBe('other\nteam/a\nteam/deep/b\n');
    expect((await run(['settings'])).stdout).not.toContain('category');
  });

  it('moves the objects, and the colleague reads them and nothing else', async ({ onTestFinished }) => {
    const { run, path, recipient } = await scene(onTestFinished);
    const shared = await run(['member', 'add', 'ann', recipient, ...SHARE, '--yes', '--json']);
    expect(shared, shared.stderr).toMatchObject({ exitCode: 0 });
    const [{ categories, fingerprint } = {}, summary] = jsonLines(shared.stdout);
    expect(categories).toEqual(['team']);
    expect(summary).toEqual({ summary: { moved: 2, skipped: 0, failed: 0 } });
    expect((await run(['ls'])).stdout).toBe('other\nshared/team/a\nshared/team/deep/b\n');
    const [info] = jsonLines((await run(['info', 'shared/team/a', '--json'])).stdout);
    expect(info).toMatchObject({ category: 'team', metadata: { owner: 'ops' } });
    const asMember = ['--identity-file', path('me.identity'), '--fingerprint', String(fingerprint), '--no-anchor'];
    const none = { env: { CREDENTIALS_DIRECTORY: '' } };
    expect(await run(['get', 'shared/team/deep/b', ...asMember], none)).toMatchObject({ stdout: 'second' });
    expect(await run(['get', 'other', ...asMember], none)).toMatchObject({ exitCode: 4, stdout: '' });
    const late = await run(['member', 'add', 'ann', recipient, ...SHARE, '--yes']);
    expect(late).toMatchObject({ exitCode: 3, stdout: '' });
    expect(late.stderr).toContain('hint: to grant the category alone, leave out --prefix and --into');
  });

  it('leaves an object that is in the way, and goes on with it when it is run again', async ({ onTestFinished }) => {
    const { run, seed, recipient } = await scene(onTestFinished);
    await run(['settings', 'change', '--define-category', 'team=shared/team/**']);
    await seed({ 'shared/team/a': 'in the way' });
    const args = ['member', 'add', 'ann', recipient, ...SHARE, '--yes'];
    const first = await run(args);
    expect(first).toMatchObject({ exitCode: 8, stdout: expect.stringMatching(/^securestore invitation 1\n/) });
    expect(first.stderr).toMatch(/"shared\/team\/a" already exists(.*\n)*.*run the same command again/);
    await run(['rm', 'shared/team/a']);
    const second = await run(args);
    expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
    expect(first.stderr).toContain('moved 1 key, 1 failed: team/ to shared/team/');
    expect(second.stderr).toContain('ann has these grants already');
    expect(second.stderr).toContain('members who can read team already, and so these objects then: ann\n');
    expect((await run(['ls'])).stdout).toBe('other\nshared/team/a\nshared/team/deep/b\n');
  });

  it('does not move objects into the keys of another category', async ({ onTestFinished }) => {
    const { run, recipient } = await scene(onTestFinished);
    await run(['settings', 'change', '--define-category', 'all=shared/**']);
    const refused = await run(['member', 'add', 'ann', recipient, ...SHARE, '--yes']);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain('keys under "shared/team/" belong to the category "all", not "team"');
    const already = await run(['member', 'add', 'ann', recipient, '--category', 'all', ...SHARE.slice(2), '--yes']);
    expect(already, already.stderr).toMatchObject({ exitCode: 0 });
    const back = ['--category', 'all', '--prefix', 'shared/team/', '--into', 'shared/other/'];
    const within = await run(['member', 'add', 'ann', recipient, ...back, '--yes']);
    expect(within).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('are in the category "all" already') });
  });

  it.for([
    [['--prefix', 'team/'], '--prefix and --into belong together'],
    [['--prefix', 'team/', '--into', 'x/', '--store-keys', 'audit'], '--prefix needs one --category'],
    [['--prefix', 'team/', '--into', 'team/x/'], 'cannot go into itself'],
    [['--prefix', '/', '--into', 'x/'], 'names no folder'],
  ] as const)('%j is refused', async ([args, told], { onTestFinished }) => {
    const { run, recipient } = await scene(onTestFinished);
    const category = args.includes('--store-keys' as never) ? [] : ['--category', 'team'];
    const refused = await run(['member', 'add', 'ann', recipient, ...category, ...args]);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(told) });
  });
});
