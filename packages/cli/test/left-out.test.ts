import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, it } from 'vitest';
import { approvalScene } from './support/approvals.ts';
import { jsonLines } from './support/cli.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

// A first backup waits six seconds for other processes.
describe('over a server, what is left out of an export since it may not be read', { timeout: 120_000 }, () => {
  it('is named with the command that asks for its approval, and no success', async (test) => {
    const { expect } = test;
    const { path, as } = await approvalScene(test, 'read');
    const files = path('files');
    const refused = await as('ann', 'export', files);
    expect(refused).toMatchObject({ exitCode: 8, stdout: 'exported: 1 denied\n' });
    expect(refused.stderr).toBe(
      'left out: db/user: reading it needs the approval of another principal\n' +
        'hint: ask for it with securestore approval request read KEY, for each object; ' +
        'if it is given, the same command writes the object\n',
    );
    const [item, last] = jsonLines((await as('ann', 'export', files, '--json')).stdout);
    expect(item).toMatchObject({
      name: 'db/user',
      status: 'denied',
      error: { code: 'ACCESS_DENIED', key: 'db/user', approvals: ['read'] },
    });
    expect(last).toEqual({ summary: { written: 0, unchanged: 0, skipped: 0, denied: 1, failed: 0 } });
    expect(await as('ann', 'export', path('some.env'))).toMatchObject({ exitCode: 8, stdout: 'exported: 1 denied\n' });

    const asked = await as('ann', 'approval', 'request', 'read', 'db/user', '--json');
    const [{ id } = {}] = jsonLines(asked.stdout);
    expect(await as('ben', 'approve', String(id))).toMatchObject({ exitCode: 0 });
    expect(await as('ann', 'export', files)).toMatchObject({ exitCode: 0, stdout: 'exported: 1 written\n' });
    expect(await readdir(path('files/db'))).toEqual(['user']);

    // What is there is compared, which takes no approval of its own.
    await writeFile(path('files/db/user'), 'SECOND');
    const again = await as('ann', 'approval', 'request', 'read', 'db/user', '--json');
    const [{ id: next } = {}] = jsonLines(again.stdout);
    expect(await as('ben', 'approve', String(next))).toMatchObject({ exitCode: 0 });
    expect(await as('ann', 'export', files)).toMatchObject({ exitCode: 0, stdout: 'exported: 1 written\n' });
    expect(await readFile(path('files/db/user'), 'utf8')).toBe('second');
    expect(await as('ann', 'export', files)).toMatchObject({ exitCode: 8 });
  });

  it.runIf(LONG)(onlyLong('is the same of a backup, of which one object can be asked for'), async (test) => {
    const { expect } = test;
    const { path, source, as } = await approvalScene(test, 'read');
    const command = ['restore', source, '--folder', path('files')];
    const refused = await as('ann', ...command);
    expect(refused).toMatchObject({ exitCode: 8, stdout: 'exported: 1 denied\n' });
    expect(refused.stderr).toBe(
      'left out: db/user: reading it needs the approval of another principal\n' +
        'hint: ask for it with this command and --stdout --key KEY --ask REASON instead of --folder, ' +
        'for each object; if it is given, the same command writes the object\n',
    );
    await mkdir(path('files/db'), { recursive: true });
    await writeFile(path('files/db/user'), 'FIRST');
    const asked = await as('ann', 'restore', source, '--stdout', '--key', 'db/user', '--ask', 'the old one');
    const [, id = ''] = /^asked for approval as (\S+),/.exec(asked.stdout) ?? [];
    expect(await as('ben', 'approve', id)).toMatchObject({ exitCode: 0 });
    expect(await as('ann', ...command)).toMatchObject({ exitCode: 0, stdout: 'exported: 1 written\n' });
  });

  it.runIf(LONG)(onlyLong('is no success of a backup of which nothing may be seen'), async (test) => {
    const { expect } = test;
    const { path, source, as } = await approvalScene(test, 'history');
    const refused = await as('ann', 'restore', source, '--folder', path('files'));
    expect(refused).toMatchObject({ exitCode: 3, stdout: '' });
    expect(refused.stderr).toBe(
      `error: ${source} has nothing that you may see without an approval. Nothing was written. [NOT_FOUND]\n`,
    );
  });

  it.runIf(LONG)(onlyLong('is told apart from what is not granted'), async (test) => {
    const { expect } = test;
    const { path, as } = await approvalScene(test, 'purge', 'read');
    expect(await as('ann', 'export', path('files'))).toMatchObject({
      exitCode: 8,
      stdout: 'exported: 1 denied\n',
      stderr: 'left out: db/user: reading it was not granted to you\n',
    });
  });
});
