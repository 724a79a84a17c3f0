import { chmod, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, type Sandbox, sandbox } from '../support/cli.ts';

/** A store with an object, and somebody with an identity. The sandbox opens the store by the credential of a service. */
async function scene(): Promise<{ readonly box: Sandbox; readonly recipient: string }> {
  const box = await sandbox();
  await box.seed({ k: 'v' });
  const made = await box.run(['identity', 'new', '-o', 'me.identity', '--json']);
  const recipient = String(jsonLines(made.stdout)[0]?.['recipient']);
  return { box, recipient };
}

const get = (...options: string[]): string[] => ['get', 'k', '--identity-file', 'me.identity', ...options];

describe('identity', () => {
  it('new makes a file that only its owner may read, and never replaces one', async () => {
    const { box, recipient } = await scene();
    expect((await stat(box.path('me.identity'))).mode & 0o777).toBe(0o600);
    expect(recipient).toMatch(/^SSRP1(-[0-9A-Z]{4}){14}$/);
    const before = await readFile(box.path('me.identity'), 'utf8');
    expect(await box.run(['identity', 'new', '-o', 'me.identity'])).toMatchObject({ exitCode: 6, stdout: '' });
    expect(await readFile(box.path('me.identity'), 'utf8')).toBe(before);
    const another = await box.run(['identity', 'new', '-o', 'other.identity']);
    expect(another.stdout).toMatch(/^created the identity file other.identity\nrecipient: SSRP1-\S+\n$/);
  });

  it('new without a file prints an identity that works as a file', async () => {
    const box = await sandbox();
    const printed = await box.run(['identity', 'new']);
    expect(printed.stdout).toMatch(/^# recipient: SSRP1-\S+\nSSID1(-[0-9A-Z]{4}){14}\n$/);
    await writeFile(box.path('me.identity'), printed.stdout, { mode: 0o600 });
    const shown = await box.run(['identity', 'show', 'me.identity']);
    expect(`# recipient: ${shown.stdout}`).toBe(`${printed.stdout.split('\n')[0]}\n`);
    expect(shown.stdout + shown.stderr).not.toContain('SSID1');
  });

  it('is told from an invitation, before anything is said of the mode of its file', async () => {
    const { box } = await scene();
    const fingerprint = 'a'.repeat(52);
    await writeFile(box.path('invitation'), `securestore invitation 1\nfingerprint: ${fingerprint}\n`, { mode: 0o644 });
    expect(await box.run(['get', 'k', '--identity-file', 'invitation'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr:
        'error: --identity-file must name your identity, and "invitation" is an invitation [INVALID_ARGUMENT]\n' +
        'hint: give the invitation by --invitation-file, and the identity that you made by --identity-file\n',
    });
  });

  it('pin writes to where a link leads, and leaves no copy of the identity beside the link', async () => {
    const { box } = await scene();
    await mkdir(box.path('disk'));
    await rename(box.path('me.identity'), box.path('disk/me.identity'));
    await symlink('disk/me.identity', box.path('me.identity'));
    const fingerprint = 'a'.repeat(52);
    expect(await box.run(['identity', 'pin', 'me.identity', '--fingerprint', fingerprint])).toMatchObject({
      exitCode: 0,
    });
    expect((await lstat(box.path('me.identity'))).isSymbolicLink()).toBe(true);
    expect(await readFile(box.path('disk/me.identity'), 'utf8')).toContain(`\nfingerprint: ${fingerprint}\n`);
    expect((await stat(box.path('disk/me.identity'))).mode & 0o777).toBe(0o600);
    expect(await readdir(box.path('disk'))).toEqual(['me.identity']);
  });

  it('pin remembers a store in the file, once', async () => {
    const { box, recipient } = await scene();
    const invited = await box.run(['slot', 'add', '--recipient', recipient]);
    await writeFile(box.path('invitation'), invited.stdout);
    const fingerprint = /^fingerprint: (\S+)$/m.exec(invited.stdout)?.[1] ?? '';
    for (const by of [
      ['--invitation-file', 'invitation'],
      ['--fingerprint', fingerprint],
    ]) {
      expect(await box.run(['identity', 'pin', 'me.identity', ...by])).toMatchObject({ exitCode: 0 });
    }
    const text = await readFile(box.path('me.identity'), 'utf8');
    expect(text.match(/^fingerprint: /gm)).toHaveLength(1);
    expect((await stat(box.path('me.identity'))).mode & 0o777).toBe(0o600);
    const shown = await box.run(['identity', 'show', '--identity-file', 'me.identity', '--json']);
    expect(jsonLines(shown.stdout)).toEqual([{ recipient, fingerprints: [fingerprint] }]);
    expect(await box.run(['identity', 'show', 'me.identity'])).toMatchObject({
      stdout: `${recipient}\n`,
      stderr: `unlocks the store with the fingerprint ${fingerprint}\n`,
    });
    expect(await box.run(get('--no-anchor'))).toMatchObject({ exitCode: 0, stdout: 'v' });
    await box.run(['identity', 'new', '-o', 'other.identity']);
    const wrong = await box.run(['identity', 'pin', 'other.identity', '--invitation-file', 'invitation']);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the invitation is for') as string });
    expect(await box.run(['identity', 'pin', 'me.identity', '--fingerprint', 'x'])).toMatchObject({ exitCode: 2 });
  });

  it('that others may read is refused, with what to do', async () => {
    const { box } = await scene();
    await chmod(box.path('me.identity'), 0o644);
    for (const args of [get('--trust-first-use'), ['identity', 'show', 'me.identity']]) {
      const refused = await box.run(args);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(refused.stderr).toContain('chmod 600 me.identity');
    }
  });
});

describe('a store for an identity', () => {
  it('is opened by an invitation, which says where it is, too', async () => {
    const { box, recipient } = await scene();
    const before = await box.run(get('--no-anchor'));
    expect(before.exitCode).toBe(2);
    const invited = await box.run(['slot', 'add', '--recipient', recipient]);
    expect(invited.stdout).toMatch(/^securestore invitation 1\n/);
    expect(invited.stderr).toContain('not secret');
    await writeFile(box.path('invitation'), invited.stdout);
    const elsewhere = { env: { SECURESTORE_URL: 'sqlite:./none' } };
    const opened = await box.run(get('--invitation-file', 'invitation', '--no-anchor'), elsewhere);
    expect(opened).toMatchObject({ exitCode: 0, stdout: 'v' });
    const other = ['init', 'sqlite:./other', '--key-file', 'other.key', '--json'];
    const fingerprint = String(jsonLines((await box.run(other)).stdout)[0]?.['fingerprint']);
    const contradicting = await box.run(get('--invitation-file', 'invitation', '--fingerprint', fingerprint));
    expect(contradicting).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('different stores') as string });
    const wrongStore = await box.run(get('--invitation-file', 'invitation', '--store', 'sqlite:./other'));
    expect(wrongStore).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('[INTEGRITY]') as string });
    await writeFile(box.path('invitation'), 'hello\n');
    expect(await box.run(get('--invitation-file', 'invitation'))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error: "invitation": the invitation ') as string,
    });
    expect(await box.run(get('--invitation-file', 'missing'))).toMatchObject({ exitCode: 2 });
  });

  it('says what to do where it is not known, and is trusted once it was', async () => {
    const { box, recipient } = await scene();
    await box.run(['slot', 'add', '--recipient', recipient, '--no-anchor']);
    const unknown = await box.run(get());
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toMatch(
      /error: \S+ an identity opens only a store with a known fingerprint, and the store here has [0-9a-v]{52}\. An attacker could have put another store here\. \[INVALID_ARGUMENT\]\nhint: if the person who invited you gives the same fingerprint, add --fingerprint FINGERPRINT or --invitation-file FILE\nhint: to trust this store, once: securestore --trust-first-use get k .*\n$/,
    );
    const unremembered = await box.run(get('--no-anchor', '--trust-first-use'));
    expect(unremembered.exitCode).toBe(2);
    expect(unremembered.stderr).toMatch(
      /--trust-first-use needs an anchor, without which every use would be the first .*\nhint: leave out --no-anchor\n$/,
    );
    expect(await box.run(get('--trust-first-use'))).toMatchObject({ exitCode: 0, stdout: 'v' });
    expect(await box.run(get())).toMatchObject({ exitCode: 0, stdout: 'v' });
  });

  it('shows for whom its slots are, and takes no recipient twice', async () => {
    const { box, recipient } = await scene();
    const added = await box.run(['slot', 'add', '--recipient', recipient, '--json']);
    expect(jsonLines(added.stdout)).toMatchObject([
      { method: 'recipient', recipient, invitation: expect.any(String) as string },
    ]);
    expect((await box.run(['slot', 'list'])).stdout).toMatch(new RegExp(`identity .*${recipient}\n`));
    const twice = await box.run(['slot', 'add', '--recipient', recipient]);
    expect(twice).toMatchObject({
      exitCode: 6,
      stdout: '',
      stderr: expect.stringContaining('the recipient already unlocks the store by slot') as string,
    });
    const mistyped = await box.run(['slot', 'add', '--recipient', `${recipient.slice(0, -1)}U`]);
    expect(mistyped).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('can be made by an identity, and rotated away from it', async () => {
    const { box } = await scene();
    const env = { SECURESTORE_URL: 'sqlite:./mine' };
    const by = ['--identity-file', 'me.identity'];
    expect(await box.run(['init', ...by], { env })).toMatchObject({ exitCode: 0 });
    expect(await box.run(['put', 'a', ...by], { env, input: 'x' })).toMatchObject({ exitCode: 0 });
    const rotated = await box.run(['rotate', '--depth', 'unlock', '--new-key-file', 'new.key', ...by], { env });
    expect(rotated).toMatchObject({ exitCode: 0 });
    expect(await box.run(['get', 'a', ...by], { env })).toMatchObject({ exitCode: 9 });
    expect(await box.run(['get', 'a', '--key-file', 'new.key'], { env })).toMatchObject({ exitCode: 0, stdout: 'x' });
  });
});

describe('a recovery kit', () => {
  it('holds the code, which is shown nowhere else, and opens the store that it was made for', async () => {
    const { box } = await scene();
    const added = await box.run(['slot', 'add', '--new-recovery-code', '--kit', 'kit.txt']);
    expect(added).toMatchObject({ exitCode: 0, stdout: 'wrote the recovery kit kit.txt\n' });
    expect(added.stdout + added.stderr).not.toContain('SSRC1');
    expect((await stat(box.path('kit.txt'))).mode & 0o777).toBe(0o600);
    const kit = await readFile(box.path('kit.txt'), 'utf8');
    expect(kit).toMatch(/^securestore recovery kit 1\n/);
    expect(kit).toMatch(new RegExp(`^store: sqlite:${box.path('vault')}$`, 'm'));
    const open = ['get', 'k', '--recovery-code-file', 'kit.txt'];
    expect(await box.run(open)).toMatchObject({ exitCode: 0, stdout: 'v' });
    await writeFile(box.path('code'), /SSRC1\S+/.exec(kit)?.[0] ?? '', { mode: 0o600 });
    expect(await box.run(['get', 'k', '--recovery-code-file', 'code'])).toMatchObject({ exitCode: 0, stdout: 'v' });
    const another = await box.run(['init', 'sqlite:./another', '--recovery-code-file', 'kit.txt']);
    expect(another).toMatchObject({ exitCode: 2, stdout: '' });
    expect(another.stderr).toContain('a recovery kit belongs to an existing store');
    expect(await readdir(box.path())).not.toContain('another');
    const wrongKind = await box.run(['get', 'k', '--share-file', 'kit.txt']);
    expect(wrongKind).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('not of a share') as string });
    // Of another store, it says so before its code is tried.
    await writeFile(box.path('kit.txt'), kit.replace(/^fingerprint: .*$/m, `fingerprint: ${'a'.repeat(52)}`), {
      mode: 0o600,
    });
    expect(await box.run(open)).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('[INTEGRITY]') as string,
    });
    await writeFile(box.path('kit.txt'), kit.replace(/^fingerprint: .*\n/m, ''), { mode: 0o600 });
    expect(await box.run(open)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('kit.txt') as string });
  });

  it('is made for each share', async () => {
    const { box } = await scene();
    const added = await box.run(['slot', 'add', '--new-shares', '2/3', '--kit', 'kit.txt', '--json']);
    expect(jsonLines(added.stdout)).toMatchObject([
      { method: 'shares', kits: ['kit-1.txt', 'kit-2.txt', 'kit-3.txt'] },
    ]);
    const open = (...kits: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> =>
      box.run(['get', 'k', ...kits.flatMap((kit) => ['--share-file', kit])]);
    expect(await open('kit-3.txt', 'kit-1.txt')).toMatchObject({ exitCode: 0, stdout: 'v' });
    expect(await open('kit-3.txt')).toMatchObject({ exitCode: 2 });
    const kit = await readFile(box.path('kit-1.txt'), 'utf8');
    await writeFile(box.path('kit-1.txt'), kit.replace(/^fingerprint: .*$/m, `fingerprint: ${'a'.repeat(52)}`), {
      mode: 0o600,
    });
    const mixed = await open('kit-1.txt', 'kit-2.txt');
    expect(mixed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('different stores') as string });
  });

  it('replaces no file, and where one can not be written no slot is made', async () => {
    const { box } = await scene();
    await writeFile(box.path('kit-2.txt'), 'mine', { mode: 0o600 });
    const before = (await box.run(['slot', 'list', '--json'])).stdout;
    const files = await readdir(box.path());
    const blocked = await box.run(['slot', 'add', '--new-shares', '2/3', '--kit', 'kit.txt']);
    expect(blocked).toMatchObject({ exitCode: 6, stdout: '' });
    const missing = await box.run(['slot', 'add', '--new-recovery-code', '--kit', 'none/kit.txt']);
    expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await readdir(box.path())).toEqual(files);
    expect(await readFile(box.path('kit-2.txt'), 'utf8')).toBe('mine');
    expect((await box.run(['slot', 'list', '--json'])).stdout).toBe(before);
  });

  it('goes with a code or shares alone', async () => {
    const { box } = await scene();
    for (const options of [
      ['--kit', 'kit.txt'],
      ['--kit', 'kit.txt', '--new-key-file', 'new.key'],
    ]) {
      const refused = await box.run(['slot', 'add', ...options]);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    }
    expect(await readdir(box.path())).not.toContain('kit.txt');
  });
});
