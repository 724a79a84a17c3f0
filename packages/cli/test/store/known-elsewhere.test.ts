import { cp } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';

it('names the command that accepts a store which has moved, and none for an older copy of it', async () => {
  const box = await sandbox('file');
  await box.seed({ k: 'v' });
  const made = await box.run(['identity', 'new', '-o', 'me.identity', '--json']);
  const recipient = String(jsonLines(made.stdout)[0]?.['recipient']);
  const [added = {}] = jsonLines((await box.run(['slot', 'add', '--recipient', recipient, '--json'])).stdout);
  await cp(box.path('vault'), box.path('older'), { recursive: true });
  // Only this one's own memory is looked at: the owner has another machine.
  const own = { env: { XDG_STATE_HOME: box.path('own') } };
  expect((await box.run(['slot', 'add', '--new-key-file', 'other.key'])).exitCode).toBe(0);
  const fingerprint = String(added['fingerprint']);
  const get = ['get', 'k', '--identity-file', 'me.identity'];
  expect(await box.run([...get, '--fingerprint', fingerprint], own)).toMatchObject({ stdout: 'v' });

  const target = `sqlite:${box.path('moved.db')}`;
  expect((await box.run(['migrate', `file:${box.path('vault')}`, target])).exitCode).toBe(0);
  const refused = await box.run([...get, '--store', target], own);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain(
    `${fingerprint}, by which this machine knows file:${box.path('vault')}. An attacker`,
  );
  const [, command = ''] =
    /\nhint: if the owner says that the store is here now: securestore (.*)\n$/.exec(refused.stderr) ?? [];
  expect(command).toBe(`--fingerprint=${fingerprint} ${get.join(' ')} --store ${target}`);

  const older = await box.run([...get, '--store', `file:${box.path('older')}`], own);
  expect(older.exitCode).toBe(2);
  expect(older.stderr).toContain('The store here does not follow from what is remembered of ');
  expect(older.stderr).not.toContain('--fingerprint');
  expect(older.stderr).not.toContain('--trust-first-use');

  expect(await box.run(command.split(' '), own)).toMatchObject({ exitCode: 0, stdout: 'v' });
  // From then on it is known.
  expect(await box.run([...get, '--store', target], own)).toMatchObject({ exitCode: 0, stdout: 'v' });
});
