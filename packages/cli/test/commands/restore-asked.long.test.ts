import { describe, it } from 'vitest';
import type { Result } from '../support/cli.ts';
import { approvalScene as scene } from '../support/approvals.ts';

/** The ids of the requests that a command with `--ask` has made. */
function requestsIn({ stdout }: Result): string[] {
  return [...stdout.matchAll(/^asked for approval as (\S+),/gm)].flatMap(([, id]) => id ?? []);
}

// A first backup waits six seconds for other processes.
describe('over a server, restore that takes a second person', { timeout: 120_000 }, () => {
  it('to a new store names the command that asks for it, and passes once', async (test) => {
    const { expect } = test;
    const { source, url, as } = await scene(test, 'restore,backup.manage');
    const command = ['restore', source, '--to', url('again')];
    const refused = await as('ann', ...command);
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toBe(
      'error: restore and backup.manage take the approval of a second person [ACCESS_DENIED]\n' +
        `hint: to ask for approval: securestore --ask=REASON ${command.join(' ')}\n`,
    );

    const asked = await as('ann', ...command, '--ask', 'a look at it');
    expect(asked, asked.stderr).toMatchObject({ exitCode: 0 });
    const ids = requestsIn(asked);
    expect(ids).toHaveLength(2);
    expect(asked.stdout).toMatch(/ann: restore\n.*\n.* {2}to: sqlite:.*ann: backup\.manage\n/s);
    const waiting = await as('ann', ...command);
    expect(waiting.stderr).toMatch(
      /^error: restore and backup\.manage take the approval of a second person \[ACCESS_DENIED\]\nhint: request (\S+) for restore waits until .*: another person approves it with securestore approve \1\nhint: request (\S+) for backup\.manage waits until .*: another person approves it with securestore approve \2\n$/,
    );

    for (const id of ids) expect(await as('ben', 'approve', id)).toMatchObject({ exitCode: 0 });
    // What was approved is of that place, and of all that there is.
    const others = [
      [...command, '--prefix', 'db/'],
      ['restore', source, '--to', url('elsewhere')],
    ];
    for (const other of others) expect(await as('ann', ...other)).toMatchObject({ exitCode: 4 });
    const restored = await as('ann', ...command);
    expect(restored, restored.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('restored snapshot 1'),
    });
    expect(await as('ann', ...command)).toMatchObject({ exitCode: 4 });
  });

  it('of a moment to a new store is of that moment', async (test) => {
    const { expect } = test;
    const { source, url, as } = await scene(test, 'backup.manage');
    const command = ['restore', source, '--to', url('again'), '--at', '2099-01-01T00:00:00Z'];
    const ids = requestsIn(await as('ann', ...command, '--ask', 'a look at it'));
    expect(ids).toHaveLength(1);
    expect(await as('ben', 'approve', ids[0] ?? '')).toMatchObject({ exitCode: 0 });
    expect(await as('ann', ...command.slice(0, 4))).toMatchObject({ exitCode: 4 });
    expect(await as('ann', ...command)).toMatchObject({ exitCode: 0 });
  });

  it('names the command once, whatever else takes a second person', async (test) => {
    const { expect } = test;
    const { source, as } = await scene(test, 'restore,restore.replace');
    const command = ['restore', source, '--key', 'db/user', '--conflict', 'overwrite', '--yes'];
    const refused = await as('ann', ...command);
    expect(refused.stderr).toBe(
      'error: restore and restore.replace take the approval of a second person [ACCESS_DENIED]\n' +
        `hint: to ask for approval: securestore --ask=REASON ${command.join(' ')}\n`,
    );
    const scrub = await as('ann', 'scrub', '--repair', source);
    expect(scrub.stderr).toContain(
      `hint: to ask for approval: securestore approval request restore.replace --operation '{"call":"scrub"}'`,
    );
  });

  it('of one object to stdout asks for the version that the backup has', async (test) => {
    const { expect } = test;
    const { source, as } = await scene(test, 'read,history,backup.view');
    const command = ['restore', source, '--key', 'db/user', '--stdout', '--snapshot', '1'];
    const refused = await as('ann', ...command);
    expect(refused).toMatchObject({ exitCode: 4, stdout: '' });
    expect(refused.stderr).toContain(`hint: to ask for approval: securestore --ask=REASON ${command.join(' ')}`);
    const asked = await as('ann', ...command, '--ask', 'the old one');
    expect(asked, asked.stderr).toMatchObject({ exitCode: 0 });
    const ids = requestsIn(asked);
    expect(ids).toHaveLength(3);
    for (const id of ids) expect(await as('ben', 'approve', id)).toMatchObject({ exitCode: 0 });
    expect(await as('ann', ...command)).toMatchObject({ exitCode: 0, stdout: 'first' });
    expect(await as('ann', ...command)).toMatchObject({ exitCode: 4 });
  });
});

describe('over a server, restore', { timeout: 120_000 }, () => {
  it('looks for what it restores before it asks whether to replace, and tells of which moment it is', async (test) => {
    const { expect } = test;
    const { source, path, as } = await scene(test, 'purge');
    for (const some of [[], ['--key', 'db/user', '--conflict', 'overwrite']]) {
      const missing = await as('ann', 'restore', source, '--snapshot', '99', ...some);
      expect(missing).toMatchObject({ exitCode: 3, stdout: '' });
      expect(missing.stderr).toContain(`error: snapshot 99 does not exist at ${source} [NOT_FOUND]\n`);
    }
    expect((await as('ann', 'restore', source, '--at', '2020-01-01')).stderr).toContain('after 2020-01-01');
    expect((await as('ann', 'restore', source)).stderr).toBe(
      'error: cannot ask without a terminal: objects of the store would be replaced. Nothing was changed. [INVALID_ARGUMENT]\n' +
        'hint: add --yes to do it\n',
    );

    const late = ['--at', '2099-01-01T00:00:00Z'];
    const told =
      /^from snapshot 1 of \S+ \S+\nwarning: the backup has no recovery points after \S+ \S+: changes from then until 2099-01-01T00:00:00Z are missing\n$/;
    const written = await as('ann', 'restore', source, '--key', 'db/user', '--stdout', ...late);
    expect(written).toMatchObject({ exitCode: 0, stdout: 'first', stderr: expect.stringMatching(told) });
    const folder = await as('ann', 'restore', source, '--folder', path('folder'), ...late);
    expect(folder).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(told) });
  });
});
