import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type Sandbox, sandbox } from '../support/cli.ts';

const INVITATION = `securestore invitation 1\nstore: sqlite:./none\nfingerprint: ${'a'.repeat(52)}\n`;

/** A folder without a store, and a file of a mode in it. */
async function withFile(mode: number, name = 'f', text = 'x'.repeat(40)): Promise<Sandbox> {
  const box = await sandbox('none');
  await writeFile(box.path(name), text, { mode: 0o600 });
  await chmod(box.path(name), mode);
  return box;
}

const LIST = ['ls', '--store', 'sqlite:./none', '--no-anchor'];

/** The warnings of a command. */
async function warnings(
  box: Sandbox,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { stderr } = await box.run(args, { env });
  return stderr.split('\n').filter((line) => line.startsWith('warning: '));
}

describe.skipIf(process.getuid === undefined)('a file that other users may read', () => {
  it.each([
    ['key', '--key-file'],
    ['passphrase', '--passphrase-file'],
    ['recovery code', '--recovery-code-file'],
    ['share', '--share-file'],
    ['identity', '--identity-file'],
  ])('with a %s is named, with what mends it', async (kind, option) => {
    const box = await withFile(0o644);
    expect(await warnings(box, [...LIST, option, 'f'])).toEqual([
      `warning: other users may read the ${kind} file "f". Make it yours alone: chmod 600 f`,
    ]);
    await chmod(box.path('f'), 0o620);
    expect(await warnings(box, [...LIST, option, 'f'])).toEqual([
      `warning: other users may change the ${kind} file "f". Make it yours alone: chmod 600 f`,
    ]);
    for (const mode of [0o600, 0o400, 0o711]) {
      await chmod(box.path('f'), mode);
      expect(await warnings(box, [...LIST, option, 'f'])).toEqual([]);
    }
  });

  it('is named once, with its name as one word of a shell', async () => {
    const box = await withFile(0o666, "it's; a key");
    await writeFile(box.path('other'), INVITATION, { mode: 0o600 });
    const args = ['ls', '--invitation-file', 'other', '--key-file', "it's; a key", '--no-anchor'];
    expect(await warnings(box, args)).toEqual([
      `warning: other users may read and change the key file "it's; a key". Make it yours alone: chmod 600 'it'\\''s; a key'`,
    ]);
  });

  it('is named where the environment names it, and among several', async () => {
    const box = await withFile(0o644);
    await writeFile(box.path('g'), 'x', { mode: 0o644 });
    expect(await warnings(box, LIST, { SECURESTORE_PASSPHRASE_FILE: './f' })).toHaveLength(1);
    expect(await warnings(box, [...LIST, '--share-file', 'f', '--share-file', 'g'])).toHaveLength(2);
  });

  it('is named as the new secret, too', async () => {
    const box = await sandbox('sqlite');
    await writeFile(box.path('new'), 'correct horse battery staple', { mode: 0o644 });
    const args = ['slot', 'add', '--new-passphrase-file', 'new'];
    expect(await warnings(box, args)).toEqual([expect.stringContaining('the passphrase file "new"')]);
  });

  it('with an invitation is named if others may change it: it is no secret', async () => {
    const box = await withFile(0o644, 'f', INVITATION);
    const args = ['ls', '--invitation-file', 'f', '--passphrase-file', '/dev/null'];
    expect(await warnings(box, args)).toEqual([]);
    await chmod(box.path('f'), 0o664);
    expect(await warnings(box, args)).toEqual([
      expect.stringContaining('other users may change the invitation file "f"'),
    ]);
  });

  it.each([
    ['TLS key', ['ls', '--store', 'https://127.0.0.1:9', '--tls-cert', 'x', '--tls-key', 'f']],
    ['TLS key', ['serve', '--tls-cert', 'x', '--tls-key', 'f', '--store', 'sqlite:./none']],
    ['client secret', ['serve', '--oidc', 'issuer.json', '--store', 'sqlite:./none']],
    ['identity', ['audit', 'verify', '--auditor-identity', 'f']],
  ])('with a %s is named by every command that takes one: %s', async (kind, args) => {
    const box = await sandbox(args[0] === 'audit' ? 'sqlite' : 'none');
    await writeFile(box.path('f'), 'x', { mode: 0o600 });
    await writeFile(box.path('x'), 'x');
    const console = { redirect: 'http://127.0.0.1:1/console/oidc/callback', clientSecretFile: 'f' };
    const issuer = {
      name: 'corp',
      keys: { keys: [] },
      issuer: 'https://x',
      audience: 'y',
      algorithms: ['RS256'],
      console,
    };
    await writeFile(box.path('issuer.json'), JSON.stringify(issuer), { mode: 0o644 });
    expect(await warnings(box, args)).toEqual([]);
    await chmod(box.path('f'), 0o640);
    expect(await warnings(box, args)).toEqual([
      `warning: other users may read the ${kind} file "f". Make it yours alone: chmod 600 f`,
    ]);
  });

  it.each([
    ['authority', ['ls', '--store', 'https://127.0.0.1:9', '--tls-ca', 'f']],
    ['authority', ['serve', '--tls-cert', 'x', '--tls-key', 'x', '--tls-client-ca', 'f', '--store', 'sqlite:./none']],
    ['issuer', ['serve', '--oidc', 'f', '--store', 'sqlite:./none']],
  ])('with an %s is named if others may change it, and so whom to believe: %s', async (kind, args) => {
    const box = await withFile(0o644);
    await writeFile(box.path('x'), 'x', { mode: 0o600 });
    expect(await warnings(box, args)).toEqual([]);
    await chmod(box.path('f'), 0o664);
    expect(await warnings(box, args)).toEqual([
      `warning: other users may change the ${kind} file "f". Make it yours alone: chmod 600 f`,
    ]);
  });

  it('is not named for the group of a credential of systemd, and is for everybody', async () => {
    const box = await sandbox('none');
    await mkdir(box.path('credentials'), { mode: 0o750 });
    const env = { CREDENTIALS_DIRECTORY: box.path('credentials') };
    for (const [name, args] of [
      ['securestore-key', LIST],
      ['securestore-token', ['ls', '--store', 'https://127.0.0.1:9']],
    ] as const) {
      const file = box.path('credentials', name);
      await writeFile(file, 'x'.repeat(40));
      await chmod(file, 0o440);
      expect(await warnings(box, args, env)).toEqual([]);
      await chmod(file, 0o444);
      expect(await warnings(box, args, env)).toHaveLength(1);
    }
  });

  it('is followed where a link leads, and is nothing else than a file', async () => {
    const box = await withFile(0o644);
    await symlink('f', box.path('link'));
    expect(await warnings(box, [...LIST, '--key-file', 'link'])).toHaveLength(1);
    for (const path of ['/dev/stdin', '/dev/null', '.', 'none']) {
      expect(await warnings(box, [...LIST, '--passphrase-file', path])).toEqual([]);
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    'or that belongs to another user is named (root alone can make one)',
    async () => {
      const box = await withFile(0o600);
      await chown(box.path('f'), 1234, 1234);
      expect(await warnings(box, [...LIST, '--key-file', 'f'])).toEqual([
        'warning: the key file "f" belongs to another user, who can read and change it. As root: chown 0 f',
      ]);
    },
  );
});
