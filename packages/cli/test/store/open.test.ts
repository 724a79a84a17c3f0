import { mkdir, rename, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, type Sandbox, sandbox } from '../support/cli.ts';
import { runHere } from '../support/in-process.ts';

async function withConfig(config: string): Promise<Sandbox> {
  const box = await sandbox('none');
  await writeFile(box.path('securestore.config.json'), config);
  return box;
}

async function withVariable(env: Record<string, string>): Promise<string> {
  return (await (await sandbox('none')).run(['ls'], { env })).stderr;
}

describe('the store of a command', () => {
  it('is that of --store, then $SECURESTORE_URL, then the configuration in the working directory', async () => {
    const box = await withConfig('{ "store": "sqlite:./configured" }');
    const env = { SECURESTORE_URL: 'sqlite:./variable' };
    const made = await box.run(['init', '--key-file', 'key', '--json']);
    expect(jsonLines(made.stdout)).toMatchObject([{ url: `sqlite:${box.path('configured')}` }]);
    const open = async (args: readonly string[], more = {}): Promise<unknown> =>
      jsonLines((await box.run(['ls', '--key-file', 'key', '--json', ...args], { env: more })).stderr)[0]?.['message'];
    expect(await open([])).toBeUndefined();
    expect(await open([], env)).toContain(`sqlite:${box.path('variable')}: no store is here`);
    expect(await open(['--store', 'sqlite:./option'], env)).toContain(`sqlite:${box.path('option')}: no store is here`);
  });

  it.each([
    ['{', /is not valid JSON: line 1 \[/],
    ['{\n "store": "canary",\n "x" 1 }', /is not valid JSON: line 3 \[/],
    ['{ "stroe": "sqlite:./vault" }', /unknown setting "stroe"/],
    [
      '{ "store": "./vault" }',
      /^error: "store" of the configuration \S+securestore\.config\.json must begin with a scheme, got "\.\/vault" \[INVALID_ARGUMENT\]\nhint: did you mean file:\.\/vault or sqlite:\.\/vault\n/,
    ],
  ])('is not taken from a configuration that is wrong, which is named: %s', async (config, text) => {
    const { exitCode, stdout, stderr } = await (await withConfig(config)).run(['ls']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('securestore.config.json ');
    expect(stderr).toMatch(text);
    expect(stderr).toContain('[INVALID_ARGUMENT]');
  });

  it('is made with the folders above it, which are named', async () => {
    const box = await sandbox('none');
    const init = async (url: string): Promise<string> =>
      (await box.run(['init', url, '--key-file', 'key'])).stderr.split('\n')[0] ?? '';
    expect(await init('sqlite:./typo/vault.db')).toBe(`creating the folder ${box.path('typo')}, which does not exist`);
    expect(await init('file:./one/two/vault')).toBe(
      `creating the folder ${box.path('one', 'two')}, and its parents from ${box.path('one')} on, which do not exist`,
    );
    expect(await init('file:./vault')).not.toContain('making');
  });

  it('is named by $SECURESTORE_URL, as a hint says if a variable of a similar name is set', async () => {
    for (const name of ['SECURESTORE_STORE', 'SECURESTORE_URLS', 'SECURESTORE_STORE_URL'])
      expect(await withVariable({ [name]: 'sqlite:./vault.db' })).toMatch(
        new RegExp(
          `^error: no store is given \\[INVALID_ARGUMENT\\]\nhint: \\$${name} means nothing; the store is named by \\$SECURESTORE_URL\nhint: give --store URL`,
        ),
      );
    expect(await withVariable({ SECURESTORE_WORKERS: '2', SECURESTORE_SEED: '1' })).not.toContain('means nothing');
  });

  it('is said to be no store URL with the setting that it comes from', async () => {
    const env = { SECURESTORE_URL: './vault.db' };
    const problem = 'must begin with a scheme, got "./vault.db"';
    const hints = 'hint: did you mean sqlite:./vault.db or file:./vault.db\n';
    const wrong = async (...args: string[]): Promise<string> => (await runHere(args, { env })).stderr;
    expect(await wrong('ls')).toBe(`error: $SECURESTORE_URL ${problem} [INVALID_ARGUMENT]\n${hints}`);
    expect(await wrong('ls', '--store', './vault.db')).toContain(`error: --store ${problem}`);
    expect(await wrong('init', './vault.db')).toContain(`error: the store URL ${problem}`);
    expect(await wrong('verify', './vault.db')).toContain(`error: the store URL ${problem}`);
  });

  it('is not another one where the variable is empty', async () => {
    const box = await withConfig('{ "store": "sqlite:./configured" }');
    const { exitCode, stderr } = await box.run(['ls'], { env: { SECURESTORE_URL: '' } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('$SECURESTORE_URL must not be empty');
  });
});

const refusal = (secret: string): RegExp =>
  new RegExp(
    `^error: \\$${secret} is not used for .*: .* names that store, not you \\[INVALID_ARGUMENT\\]\nhint: .*--store URL or in \\$SECURESTORE_URL`,
  );

/** A sandbox whose configuration names a store, and its credentials. */
async function withFiles(store: string): Promise<Sandbox> {
  const box = await withConfig(JSON.stringify({ store }));
  await mkdir(box.path('credentials'), { mode: 0o700 });
  for (const name of ['securestore-passphrase', 'securestore-token', 'tls-key']) {
    await writeFile(box.path('credentials', name), 'canary', { mode: 0o600 });
  }
  return box;
}

describe('a store that a file names', () => {
  const named = '{ "store": "https://127.0.0.1:9" }';
  // T-CLI-03
  it.each([
    ['SECURESTORE_TOKEN', 'https://127.0.0.1:9', 'canary'],
    ['SECURESTORE_TLS_KEY', 'https://127.0.0.1:9', 'credentials/tls-key'],
    ['CREDENTIALS_DIRECTORY', 'https://127.0.0.1:9', 'credentials'],
    ['SECURESTORE_PASSPHRASE', 'sqlite:./vault', 'canary'],
    ['SECURESTORE_PASSPHRASE_FILE', 'sqlite:./vault', 'credentials/securestore-passphrase'],
    ['CREDENTIALS_DIRECTORY', 'sqlite:./vault', 'credentials'],
    ['SECURESTORE_PASSPHRASE', 'redis://127.0.0.1:9', 'canary'],
  ])('gets no %s of the environment at %s', async (name, store, value) => {
    const box = await withFiles(store);
    for (const verb of [['ls'], ['init'], ['verify']]) {
      const { exitCode, stdout, stderr } = await box.run(verb, { env: { [name]: value } });
      if (verb[0] === 'init' && store.startsWith('https:')) continue;
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toMatch(refusal(name));
      expect(stderr).not.toContain('canary');
    }
    // Named by a person it does.
    for (const [args, env] of [
      [['--store', store], {}],
      [[], { SECURESTORE_URL: store }],
    ] as const) {
      expect((await box.run(['ls', ...args], { env: { ...env, [name]: value } })).stderr).not.toContain('not used for');
    }
  });

  // T-CLI-03
  it.each(['redis://127.0.0.1:9', 's3://bucket?endpoint=https://127.0.0.1:9', 'postgres://127.0.0.1:9/x', 'shelf:x'])(
    'gets no credentials that its backend finds by itself: %s',
    async (store) => {
      const box = await withFiles(store);
      const secret = ['--passphrase-file', 'credentials/securestore-passphrase'];
      const { exitCode, stderr } = await box.run(['ls', ...secret]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(
        /^error: your credentials are not sent to .*: the configuration .* names that store, not you .*\nhint: .*--store/,
      );
    },
  );

  // T-CLI-03
  it('that is an invitation gets none either, and the token that is given by hand', async () => {
    const box = await sandbox('none');
    const invitation = `securestore invitation 1\nstore: https://127.0.0.1:9\nfingerprint: ${'a'.repeat(52)}\n`;
    await writeFile(box.path('invitation'), invitation, { mode: 0o600 });
    const ask = async (...args: string[]): Promise<string> =>
      (await box.run(['ls', '--invitation-file', 'invitation', ...args], { env: { SECURESTORE_TOKEN: 'canary' } }))
        .stderr;
    expect(await ask()).toMatch(refusal('SECURESTORE_TOKEN'));
    expect(await ask('--token', 'x')).not.toContain('not used for');
    expect(await ask('--store', 'https://127.0.0.1:9')).not.toContain('not used for');
    const both = { SECURESTORE_TOKEN: 'canary', SECURESTORE_URL: 'https://127.0.0.1:9' };
    const ls = ['ls', '--invitation-file', 'invitation'];
    expect((await box.run(ls, { env: both })).stderr).not.toContain('not used for');
    const other = { ...both, SECURESTORE_URL: 'https://127.0.0.2:9' };
    const { stderr } = await box.run(ls, { env: other });
    const warned = 'warning: $SECURESTORE_URL names another store than the invitation, which is used; ';
    expect(stderr).toContain(`${warned}to use the other, give --store "$SECURESTORE_URL"\n`);
    expect(stderr.slice(stderr.indexOf('error:'))).toMatch(refusal('SECURESTORE_TOKEN'));
  });

  it('says how to give the file of the environment by hand', async () => {
    const box = await withConfig('{ "store": "sqlite:./vault" }');
    expect((await box.run(['init', '--key-file', 'key'])).exitCode).toBe(0);
    for (const [name, option] of [
      ['SECURESTORE_KEY_FILE', '--key-file'],
      ['SECURESTORE_PASSPHRASE_FILE', '--passphrase-file'],
    ] as const) {
      const { exitCode, stderr } = await box.run(['ls'], { env: { [name]: 'key' } });
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(refusal(name));
      expect(stderr).toContain(`hint: or add ${option} "$${name}" to the same command\n`);
    }
  });

  it('is opened with what the command line gives', async () => {
    const box = await withConfig(named.replace('https://127.0.0.1:9', 'sqlite:./vault'));
    expect((await box.run(['init', '--key-file', 'key'], { env: { SECURESTORE_PASSPHRASE: 'x' } })).exitCode).toBe(0);
    expect((await box.run(['ls', '--key-file', 'key'])).exitCode).toBe(0);
  });
});

describe('an error of a store', () => {
  it('advises in terms of the command line', async () => {
    const box = await sandbox('file');
    const { stderr } = await box.run(['ls', '--fingerprint', 'x']);
    expect(stderr).toMatch(
      /^error: --fingerprint must be the fingerprint of a store, 52 characters .* \[INVALID_ARGUMENT\]\n/,
    );
    const all = [stderr];
    expect((await box.run(['ls'])).exitCode).toBe(0);
    await rename(box.path('vault'), box.path('away'));
    all.push((await box.run(['ls'])).stderr);
    expect(all.at(-1)).toContain('no store is here, though one was before [ROLLBACK]\nhint: see that the disk');
    expect(all.at(-1)).not.toContain('securestore init');
    const key = ['--key-file', 'credentials/securestore-key'];
    const init = await box.run(['init', ...key]);
    expect(init.exitCode).toBe(5);
    expect(init.stderr).toContain('a store was here before, and is missing now. Nothing was created. [ROLLBACK]\n');
    expect(init.stderr).toContain('hint: to create another store in its place: securestore --accept-rollback init ');
    all.push(init.stderr);
    expect((await box.run(['ls'])).stderr).toBe(all[1]);
    await box.run(['init', '--no-anchor', ...key]);
    all.push((await box.run(['ls'])).stderr);
    expect(all.at(-1)).toMatch(/ \[ROLLBACK\]\nhint: .*: securestore --accept-rollback ls\nsee: \S+\n$/);
    expect(all.join('')).not.toMatch(/createStore|acceptHead|store\.|option "/);
  });

  it('names the backups at a store URL, and creates no store among them', async () => {
    const box = await sandbox('file');
    expect((await box.run(['backup', 'file:./backups'])).exitCode).toBe(0);
    const backups = `file:${box.path('backups')}`;
    const { exitCode, stderr } = await box.run(['ls', '--store', 'file:./backups']);
    expect(exitCode).toBe(3);
    expect(stderr).toBe(
      `error: ${backups}: backups of a store are here, and no store [NOT_FOUND]\n` +
        `hint: to see the snapshots: securestore snapshots ${backups}\n` +
        `hint: to restore the store from a backup, to a URL with nothing there: securestore restore ${backups} --to URL\n`,
    );
    expect((await box.run(['snapshots', backups])).exitCode).toBe(0);
    const init = await box.run(['init', 'file:./backups', '--key-file', 'credentials/securestore-key']);
    expect(init).toMatchObject({ exitCode: 6, stdout: '' });
    expect(init.stderr).toContain('backups of a store are here. Nothing was created. [ALREADY_EXISTS]\n');
  });

  it('has the operation and, in its message, the store URL', async () => {
    const box = await sandbox('none');
    const json = jsonLines((await box.run(['ls', '--store', 'sqlite:./none', '--json'])).stderr);
    expect(json).toMatchObject([{ code: 'NOT_FOUND', operation: 'open' }]);
    const { stderr } = await box.run(['ls', '--store', 'sqlite:./none']);
    expect(stderr).toBe(
      `error: sqlite:${box.path('none')}: no store is here [NOT_FOUND]\n` +
        'hint: to create a store: securestore init sqlite:./none\n',
    );
  });
});
