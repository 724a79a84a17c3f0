import { writeFile } from 'node:fs/promises';
import { createStore, generateIdentityFile, keyFile } from 'securestore';
import { describe, expect, it } from 'vitest';
import { jsonLines, type Result, sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';

interface Scene {
  readonly recipient: string;
  readonly path: (name: string) => string;
  /** Runs a command as whoever has the key file. */
  readonly asOwner: (...args: string[]) => Promise<Result>;
  /** Runs a command as the member, who has an invitation. */
  readonly asMember: (...args: string[]) => Promise<Result>;
}

/** A store with a category of its own for what is below red/, and somebody with an identity. */
async function scene(): Promise<Scene> {
  const { path } = await sandbox('none');
  const [key, identity, invitation] = [path('vault.key'), path('me.identity'), path('invitation.txt')];
  await writeFile(key, Buffer.alloc(32, 7), { mode: 0o600 });
  const url = `sqlite:${path('vault.db')}`;
  const store = await createStore(url, { unlock: keyFile(key), categories: { red: ['red/**'] } });
  await store.store('red/a', 'granted');
  await store.store('other', 'not granted');
  await store.close();
  const recipient = await generateIdentityFile(identity);
  const run = (args: readonly string[]): Promise<Result> =>
    runHere([...args, '--no-anchor'], { env: { SECURESTORE_URL: url } });
  return {
    recipient,
    path,
    asOwner: (...args) => run([...args, '--key-file', key]),
    asMember: (...args) => run([...args, '--identity-file', identity, '--invitation-file', invitation]),
  };
}

/** With the member ann. */
async function sceneWithAnn(): Promise<Scene> {
  const all = await scene();
  const added = await all.asOwner('member', 'add', 'ann', all.recipient, '--category', 'red');
  expect(added).toMatchObject({ exitCode: 0 });
  await writeFile(all.path('invitation.txt'), added.stdout);
  return all;
}

describe('member', () => {
  it('add prints an invitation and says what a grant means, and the member opens what was granted', async () => {
    const { path, recipient, asOwner, asMember } = await scene();
    const added = await asOwner('member', 'add', 'ann', recipient, '--category', 'red');
    expect(added.exitCode).toBe(0);
    expect(added.stdout).toMatch(/^securestore invitation 1\n/);
    expect(added.stdout).toContain(recipient);
    expect(added.stderr).toMatch(/warning: ann can now read everything AND forge anything in: red\n/);
    expect(added.stderr).toMatch(/warning: ann sees the names of all objects/);
    await writeFile(path('invitation.txt'), added.stdout);
    expect(await asMember('get', 'red/a')).toMatchObject({ exitCode: 0, stdout: 'granted' });
    expect(await asMember('put', 'red/b', path('invitation.txt'))).toMatchObject({ exitCode: 0 });
    expect((await asOwner('get', 'red/b')).stdout).toBe(added.stdout);
    const denied = await asMember('get', 'other');
    expect(denied).toMatchObject({ exitCode: 4, stdout: '' });
    expect(denied.stderr).toContain('the category "default" was not granted');
    expect(await asMember('ls')).toMatchObject({ exitCode: 0, stdout: 'other\nred/a\nred/b\n' });
    const long = await asMember('ls', '--long');
    expect(long).toMatchObject({
      exitCode: 0,
      stderr: '1 object is left out: you may see its name only\n2 keys\n',
    });
    expect(long.stdout).not.toContain('other');
    const exported = await asMember('export', path('out'), '--json');
    expect(exported.exitCode).toBe(8);
    expect(jsonLines(exported.stdout).map(({ name, status }) => [name, status])).toContainEqual(['other', 'denied']);
    for (const args of [
      ['member'],
      ['slot', 'list'],
      ['key', 'list'],
      ['gc'],
      ['role'],
      ['rotate', '--same-secret'],
      ['verify'],
    ]) {
      expect([args, (await asMember(...args)).exitCode]).toEqual([args, 4]);
    }
  });

  it('add prints the invitation again for a member who has these grants, and so leaves no empty file', async () => {
    const { path, recipient, asOwner, asMember } = await sceneWithAnn();
    const again = await asOwner('member', 'add', 'ann', recipient, '--category', 'red');
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^securestore invitation 1\n/) });
    expect(again.stderr).toContain('ann has these grants already');
    await writeFile(path('invitation.txt'), again.stdout);
    expect(await asMember('get', 'red/a')).toMatchObject({ exitCode: 0, stdout: 'granted' });
  });

  it('list shows the members, and JSON where that is asked for', async () => {
    const { recipient, asOwner } = await sceneWithAnn();
    const shown = await asOwner('member');
    expect(shown.stdout).toMatch(/^MEMBER +GRANTED +ADDED +RECIPIENT\nann +red +\S+ \S+Z +SSRP1-\S+\n$/);
    expect((await asOwner('member', 'list')).stdout).toBe(shown.stdout);
    const [one] = jsonLines((await asOwner('member', '--json')).stdout);
    expect(one).toEqual({ name: 'ann', recipient, added: expect.any(String), categories: ['red'], areas: [] });
  });

  it('revoke says that the member can still forge until it is done, then takes everything', async () => {
    const { asOwner, asMember } = await sceneWithAnn();
    const revoked = await asOwner('member', 'revoke', 'ann');
    expect(revoked.exitCode).toBe(0);
    expect(revoked.stderr).toMatch(/^warning: until this is done, ann can still forge/);
    expect(revoked.stdout).toMatch(
      /^revoked ann, who cannot decrypt what is written from now on\nexamined 2 versions of objects: 1 under new encryption keys, 0 failed\n/,
    );
    expect(await asMember('get', 'red/a')).toMatchObject({ exitCode: 9 });
    expect((await asOwner('get', 'red/a')).stdout).toBe('granted');
    expect(await asOwner('member', 'revoke', 'ann')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(
        /^error: member "ann" does not exist \[NOT_FOUND\]\nhint: to list the members: securestore member .*\n$/,
      ),
    });
  });

  it('revoke gives the report as JSON', async () => {
    const { asOwner } = await sceneWithAnn();
    const revoked = await asOwner('member', 'revoke', 'ann', '--json');
    expect(jsonLines(revoked.stdout).at(-1)).toMatchObject({
      name: 'ann',
      revoked: true,
      summary: { depth: 'keys', rotated: 1, failed: 0 },
    });
  });

  it('revoke takes everything from everybody where that is asked for', async () => {
    const { asOwner, asMember } = await sceneWithAnn();
    const revoked = await asOwner('member', 'revoke', '--all');
    expect(revoked).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^revoked every member: /) });
    expect(await asMember('get', 'red/a')).toMatchObject({ exitCode: 9 });
    expect(await asOwner('member', 'revoke', '--all')).toMatchObject({
      exitCode: 3,
      stderr: 'error: the store has no members [NOT_FOUND]\n',
    });
  });

  it('refuses what it is not meant for, before a store is opened', async () => {
    const wrong = [
      ['member', 'give'],
      ['member', 'add', 'bob'],
      ['member', 'add', 'bob', 'SSRP1-X'],
      ['member', 'revoke'],
      ['member', 'revoke', 'ann', '--category', 'red'],
      ['member', 'revoke', 'ann', 'SSRP1-X'],
      ['member', 'list', 'ann'],
      ['member', 'revoke', 'ann', '--all'],
      ['member', '--all'],
    ];
    for (const args of wrong) {
      const refused = await runHere(args);
      expect([args, refused.exitCode]).toEqual([args, 2]);
    }
  });

  it('refuses whom it can not add, and changes nothing', async () => {
    const { recipient, asOwner } = await sceneWithAnn();
    const add = async (...args: string[]): Promise<number | null> => (await asOwner('member', 'add', ...args)).exitCode;
    expect(await add('bob', 'SSRP1-X', '--category', 'red')).toBe(2);
    expect(await add('ann', recipient, '--store-keys', 'journal')).toBe(2);
    const unknown = await asOwner('member', 'add', 'ann', recipient, '--category', 'green');
    expect(unknown).toMatchObject({ exitCode: 3, stdout: '' });
    expect(unknown.stderr).toEqual(
      expect.stringMatching(
        /^error: the category "green" does not exist; the store has default, red \[NOT_FOUND\]\nhint: to show the settings: securestore settings /,
      ),
    );
    expect(await add('bob', recipient, '--category', 'red')).toBe(6);
    const [one, another] = jsonLines((await asOwner('member', '--json')).stdout);
    expect([one?.['name'], another]).toEqual(['ann', undefined]);
  });
});
