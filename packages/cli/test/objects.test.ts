import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { mountSmall, NO_MOUNTS } from '../../backend-fs/test/support/mounts.ts';
import { jsonLines, sandbox } from './support/cli.ts';
import { runHere } from './support/in-process.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

// That all backends do the same their own conformance shows.
describe.each(LONG ? (['sqlite', 'file'] as const) : (['sqlite'] as const))('objects on %s:', (scheme) => {
  it('live from put to purge', async () => {
    const box = await sandbox(scheme);
    const put = await box.run(['put', 'db/prod/password', '--meta', 'owner=ops', '--meta', 'q=a=b'], {
      input: 'first',
    });
    expect(put).toMatchObject({ exitCode: 0, stderr: '' });
    expect(put.stdout).toMatch(/^stored db\/prod\/password, 5 bytes, version \S+\n$/);
    const again = await box.run(['put', 'db/prod/password', '--json'], { input: 'second' });
    const [stored] = jsonLines(again.stdout);
    expect(stored).toMatchObject({ key: 'db/prod/password', size: 6, metadata: {}, category: 'default' });

    expect((await box.run(['get', 'db/prod/password'])).stdout).toBe('second');
    const history = jsonLines((await box.run(['history', 'db/prod/password', '--json'])).stdout);
    const before = { deleted: false, purged: false, expired: false };
    expect(history).toMatchObject([
      { ...before, current: true, size: 6 },
      { ...before, current: false, size: 5 },
    ]);
    expect(history[0]?.['version']).toBe(stored?.['version']);
    const first = String(history[1]?.['version']);
    const old = jsonLines((await box.run(['get', 'db/prod/password', '--version-id', first, '--json'])).stdout);
    expect(old).toMatchObject([
      { data: 'first', encoding: 'utf8', metadata: { owner: 'ops', q: 'a=b' }, version: first },
    ]);

    expect((await box.run(['rm', 'db/prod/password'])).exitCode).toBe(0);
    expect((await box.run(['get', 'db/prod/password'])).exitCode).toBe(3);
    expect((await box.run(['rm', 'db/prod/password'])).exitCode).toBe(3);
    expect((await box.run(['undelete', 'db/prod/password'])).exitCode).toBe(0);
    expect((await box.run(['undelete', 'db/prod/password'])).exitCode).toBe(6);
    expect((await box.run(['get', 'db/prod/password'])).stdout).toBe('second');

    const refused = await box.run(['purge', 'db/prod/password']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('--yes');
    expect((await box.run(['get', 'db/prod/password'])).stdout).toBe('second');
    expect((await box.run(['purge', 'db/prod/password', '--yes'])).exitCode).toBe(0);
    expect((await box.run(['get', 'db/prod/password', '--version-id', first])).exitCode).toBe(3);
    expect((await box.run(['undelete', 'db/prod/password'])).exitCode).toBe(3);
    expect((await box.run(['history', 'db/prod/password'])).stdout).toMatch(/^VERSION .*\n\S+ .* purged\n$/);
  });

  it('are any bytes of any size, from a file or a pipe, whole or a range of them', async () => {
    const box = await sandbox(scheme);
    const data = randomBytes(3_000_000);
    await writeFile(box.path('data'), data);
    expect((await box.run(['put', 'from/file', 'data'])).exitCode).toBe(0);
    expect((await box.run(['put', 'from/pipe', '-'], { input: data })).exitCode).toBe(0);
    expect((await box.run(['put', 'empty'], { input: '' })).exitCode).toBe(0);
    expect((await box.run(['get', 'from/pipe'])).bytes.equals(data)).toBe(true);
    expect((await box.run(['get', 'empty'])).bytes.length).toBe(0);
    const range = await box.run(['get', 'from/file', '--range', '1999990:2000010']);
    expect(range.bytes).toEqual(data.subarray(1_999_990, 2_000_010));
    const [line] = jsonLines((await box.run(['get', 'from/file', '--json', '--range', '2999000:'])).stdout);
    expect(line).toMatchObject({ encoding: 'base64', data: data.subarray(2_999_000).toString('base64') });
  });

  it('are listed in the order of the bytes of their names', async () => {
    const box = await sandbox(scheme);
    const keys = ['z', 'a/b', 'a-b', 'a/B', 'ä', '🔐', 'ﬀ', 'mit leer'];
    await box.seed(Object.fromEntries(keys.map((key) => [key, 'x'])));
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await box.run(['ls'])).stdout).toBe(`${sorted.join('\n')}\n`);
    expect((await box.run(['ls', 'a/'])).stdout).toBe('a/B\na/b\n');
    expect(jsonLines((await box.run(['ls', '--json', 'a'])).stdout)).toEqual([
      { key: 'a-b' },
      { key: 'a/B' },
      { key: 'a/b' },
    ]);
    const lines = (await box.run(['ls', '--long'])).stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^SIZE +MODIFIED +EXPIRES +CATEGORY +KEY$/);
    expect(lines.slice(1).map((line) => line.slice(lines[0]?.indexOf('KEY')))).toEqual(sorted);
    const long = jsonLines((await box.run(['ls', '--long', '--json'])).stdout);
    expect(new Set(long.map(({ key }) => key))).toEqual(new Set(keys));
  });
});

describe('conditions and times', () => {
  it('store only where the condition holds, and say what stands in the way', async () => {
    const box = await sandbox();
    const [one] = jsonLines((await box.run(['put', 'k', '--if-absent', '--json'], { input: '1' })).stdout);
    const absent = await box.run(['put', 'k', '--if-absent', '--json'], { input: '2' });
    expect(absent).toMatchObject({ exitCode: 6, stdout: '' });
    expect(jsonLines(absent.stderr)).toMatchObject([
      {
        code: 'CONFLICT',
        key: 'k',
        operation: 'store',
        retryable: false,
        exitCode: 6,
        currentVersion: one?.['version'],
      },
    ]);
    const version = String(one?.['version']);
    expect((await box.run(['put', 'k', '--if-version', version], { input: '2' })).exitCode).toBe(0);
    expect((await box.run(['put', 'k', '--if-version', version], { input: '3' })).exitCode).toBe(6);
    expect((await box.run(['get', 'k'])).stdout).toBe('2');
  });

  it('delete only the version that was looked at', async () => {
    const box = await sandbox();
    const [one] = jsonLines((await box.run(['put', 'k', '--json'], { input: '1' })).stdout);
    const [two] = jsonLines((await box.run(['put', 'k', '--json'], { input: '2' })).stdout);
    const stale = await box.run(['rm', 'k', '--if-version', String(one?.['version']), '--json']);
    expect(stale).toMatchObject({ exitCode: 6, stdout: '' });
    expect(jsonLines(stale.stderr)).toMatchObject([{ code: 'CONFLICT', currentVersion: two?.['version'] }]);
    expect((await box.run(['get', 'k'])).stdout).toBe('2');
    expect((await box.run(['rm', 'k', '--if-version', String(two?.['version'])])).exitCode).toBe(0);
    expect((await box.run(['get', 'k'])).exitCode).toBe(3);
  });

  it('keep the expiry, and retrieve the version of a time', async () => {
    const box = await sandbox();
    const [first] = jsonLines((await box.run(['put', 'k', '--expires', '30d', '--json'], { input: '1' })).stdout);
    const expires = new Date(String(first?.['expires'])).getTime() - new Date(String(first?.['modified'])).getTime();
    expect(Math.abs(expires - 30 * 86_400_000)).toBeLessThan(60_000);
    await box.seed({ k: '2' });
    const at = String(first?.['modified']);
    expect((await box.run(['get', 'k', '--at', at])).stdout).toBe('1');
    expect((await box.run(['get', 'k', '--at', String(Date.parse(at))])).stdout).toBe('1');
    expect((await box.run(['get', 'k', '--at', '2020-01-01'])).exitCode).toBe(3);
  });

  it('show what is known of an object', async () => {
    const box = await sandbox();
    await box.run(['put', 'k', '--meta', 'note=a\u001b[31m\nb'], { input: 'data' });
    const { stdout } = await box.run(['info', 'k']);
    expect(stdout).toMatch(/^key +k\nsize +4 bytes\n/);
    expect(stdout).toContain('note  a\\u{1b}[31m\\u{0a}b\n');
    expect(jsonLines((await box.run(['info', 'k', '--json'])).stdout)).toMatchObject([
      { key: 'k', size: 4, metadata: { note: 'a\u001b[31m\nb' } },
    ]);
  });
});

describe.each(['sqlite', 'file'])('a full disk under %s:', (scheme) => {
  it('ends rm, purge and gc with NO_SPACE, which says what to do, and what is stored stays', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using disk = mountSmall(4096);
    const box = await sandbox();
    const url = `${scheme}:${disk.path}/vault`;
    const env = { SECURESTORE_URL: url };
    const full = `${disk.path}/full`;
    expect((await box.run(['init'], { env })).exitCode).toBe(0);
    expect((await box.run(['put', 'k'], { env, input: 'data' })).exitCode).toBe(0);
    await expect(writeFile(full, Buffer.alloc(4096 * 1024))).rejects.toThrow('ENOSPC');
    const frees = /^hint: rm keeps the history and frees nothing; purge and gc do$/m;
    for (const args of [['rm', 'k'], ['purge', '--yes', 'k'], ['gc']]) {
      const { exitCode, stdout, stderr } = await box.run(args, { env });
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 7, stdout: '' });
      expect(stderr).toMatch(/ \[NO_SPACE\]$/m);
      expect(stderr).toMatch(/^hint: remove something else from that disk first: deleting writes a mark/m);
      if (args[0] === 'rm') expect(stderr).toMatch(frees);
      else expect(stderr).not.toMatch(frees);
    }
    // SQLite needs room to open the store already, before there is anything to put.
    if (scheme === 'file') {
      const put = await box.run(['put', 'k'], { env, input: 'data' });
      expect(put.exitCode).toBe(7);
      expect(put.stderr).toMatch(
        / \[NO_SPACE\]\n(?:because: .*\n)?hint: remove something else from that disk first: purge and gc need room too\nhint: then purge and gc free what the store no longer needs\n/,
      );
    }
    const { stderr } = await box.run(['gc', '--json'], { env });
    expect(stderr).not.toContain('w/job');
    // SQLite needs room to open the store already.
    if (scheme === 'file') {
      expect(jsonLines(stderr)).toMatchObject([
        {
          operation: 'gc',
          message: expect.stringMatching(/^job collection /),
          hints: expect.arrayContaining([expect.stringMatching(/^remove something else from that disk first/)]),
        },
      ]);
    }
    await rm(full);
    expect((await box.run(['get', 'k'], { env })).stdout).toBe('data');
    expect((await box.run(['purge', '--yes', 'k'], { env })).exitCode).toBe(0);
  });
});

describe('get -o', () => {
  it('replaces a file whole, readable by its owner alone, and leaves nothing beside it', async () => {
    const box = await sandbox();
    await box.seed({ k: 'new' });
    await mkdir(box.path('out'));
    await writeFile(box.path('out', 'file'), 'old and longer', { mode: 0o644 });
    const { exitCode, stdout } = await box.run(['get', 'k', '-o', 'out/file']);
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^wrote out\/file: k, 3 bytes/),
    });
    expect(await readFile(box.path('out', 'file'), 'utf8')).toBe('new');
    expect((await lstat(box.path('out', 'file'))).mode & 0o777).toBe(0o600);
    expect(await readdir(box.path('out'))).toEqual(['file']);
  });

  it('leaves the file as it is where the object or the folder is missing, and the store in any case', async () => {
    const box = await sandbox();
    await box.seed({ k: 'new' });
    await writeFile(box.path('file'), 'old');
    expect((await box.run(['get', 'missing', '-o', 'file'])).exitCode).toBe(3);
    expect(await readFile(box.path('file'), 'utf8')).toBe('old');
    expect((await box.run(['get', 'k', '-o', 'no/such/folder'])).exitCode).toBe(2);
    expect((await box.run(['get', 'k', '-o', '.'])).exitCode).toBe(2);
    expect((await box.run(['get', 'k', '-o', 'vault'])).exitCode).toBe(2);
    expect((await box.run(['get', 'k'])).stdout).toBe('new');
  });

  it('writes through a link, and into a device without replacing it', async () => {
    const box = await sandbox();
    await box.seed({ k: 'new' });
    await writeFile(box.path('real'), 'old');
    await symlink('real', box.path('link'));
    expect((await box.run(['get', 'k', '-o', 'link'])).exitCode).toBe(0);
    expect(await readFile(box.path('real'), 'utf8')).toBe('new');
    expect(await readlink(box.path('link'))).toBe('real');
    expect((await box.run(['get', 'k', '-o', '/dev/null'])).exitCode).toBe(0);
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
    const full = await box.run(['get', 'k', '-o', '/dev/full', '--json']);
    expect(full.exitCode).toBe(7);
    expect(jsonLines(full.stderr)).toMatchObject([{ code: 'NO_SPACE' }]);
  });
});

it('history says what has expired', async () => {
  const box = await sandbox();
  await box.seedExpired({ k: 'data' });
  const versions =
    'hint: to list its versions; undelete --version-id makes one that has not expired current: securestore history k\n';
  for (const verb of ['get', 'info', 'undelete']) {
    const { exitCode, stderr } = await box.run([verb, 'k']);
    expect({ exitCode, stderr }, verb).toEqual({
      exitCode: 3,
      stderr: expect.stringMatching(
        /^error: "k": the object expired at \d{4}-\d\d-\d\dT[\d:.]+Z \[NOT_FOUND\]\n[^\n]+\n$/,
      ),
    });
    expect(stderr).toContain(versions);
  }
  expect((await box.run(['history', 'k'])).stdout).toMatch(/^VERSION .*\n\S+ .* 4 {2}expired\n$/);
});

it('undelete makes an older version of what has expired current', async () => {
  const box = await sandbox();
  await box.seed({ k: 'before' });
  await box.seedExpired({ k: 'data' });
  const [, older = ''] = jsonLines((await box.run(['history', 'k', '--json'])).stdout).map((one) =>
    String(one['version']),
  );
  expect((await box.run(['undelete', 'k', '--version-id', older])).exitCode).toBe(0);
  expect((await box.run(['get', 'k'])).stdout).toBe('before');
});

it('ls and ls --long list the same names, of what has expired too', async () => {
  const box = await sandbox();
  await box.seedExpired({ k: 'data' });
  await box.run(['put', 'l'], { input: 'more' });
  await box.run(['rm', 'l', '--yes']);
  await box.run(['put', 'm'], { input: 'more' });
  expect((await box.run(['ls'])).stdout).toBe('k\nm\n');
  expect((await box.run(['ls', '--long'])).stdout).toMatch(/^SIZE .*\n +4 .* expired +k\n +4 .*default +m\n$/);
  const long = jsonLines((await box.run(['ls', '--long', '--json'])).stdout);
  expect(long).toHaveLength(2);
  expect(long).toContainEqual(expect.objectContaining({ key: 'k', expired: true }));
  expect(long).toContainEqual(expect.objectContaining({ key: 'm', size: 4 }));
});

it('put says what it drops of the version before, and keeps it on request', async () => {
  const box = await sandbox();
  const put = async (...args: string[]): Promise<string> =>
    (await box.run(['put', 'k', ...args], { input: 'data' })).stderr;
  expect(await put('--meta', 'owner=ops', '--meta', 'env=prod', '--expires', '2999-01-01')).toBe('');
  expect(await put('--expires', '2999-01-01')).toBe('note: dropped metadata (2); --keep-meta keeps them\n');
  expect(await put()).toBe('note: dropped the expiry; --keep-meta keeps it\n');
  expect(await put()).toBe('');
  await put('--meta', 'owner=ops', '--expires', '2999-01-01');
  expect(await put()).toBe('note: dropped metadata (1) and the expiry; --keep-meta keeps them\n');
});

it('put --keep-meta keeps metadata and expiry, unless another writer has changed the object', async () => {
  const box = await sandbox();
  const put = async (...args: string[]): Promise<unknown> => {
    const { exitCode, stdout, stderr } = await box.run(['put', 'k', '--json', ...args], { input: 'data' });
    const [info] = jsonLines(stdout);
    return { exitCode, metadata: info?.['metadata'], expires: info?.['expires'], stderr };
  };
  const kept = { exitCode: 0, metadata: { owner: 'ops' }, stderr: '' };
  expect(await put('--keep-meta')).toMatchObject({ exitCode: 0, metadata: {} });
  await put('--meta', 'owner=ops', '--expires', '2999-01-01');
  expect(await put('--keep-meta')).toEqual({ ...kept, expires: '2999-01-01T00:00:00.000Z' });
  expect(await put('--keep-meta', '--expires', '2998-01-01')).toEqual({ ...kept, expires: '2998-01-01T00:00:00.000Z' });
  const version = String(jsonLines((await box.run(['info', 'k', '--json'])).stdout)[0]?.['version']);
  expect(await put('--keep-meta', '--if-version', version)).toEqual({ ...kept, expires: '2998-01-01T00:00:00.000Z' });
  expect(await put('--keep-meta', '--if-version', version)).toMatchObject({ exitCode: 6 });
  for (const other of [['--meta', 'a=b'], ['--if-absent'], ['--if-damaged']]) {
    expect((await box.run(['put', 'k', '--keep-meta', ...other], { input: '' })).exitCode).toBe(2);
  }
  // Before the data have come, another writer changes what was to be kept.
  const input = Readable.from(
    (async function* data(): AsyncGenerator<Buffer> {
      await box.run(['meta', 'set', 'k', 'owner=other']);
      yield Buffer.from('late');
    })(),
  );
  const env = { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` };
  expect(await runHere(['put', 'k', '--keep-meta', '--no-anchor'], { env, input })).toMatchObject({ exitCode: 6 });
  expect((await box.run(['meta', 'get', 'k', 'owner'])).stdout).toBe('other\n');
});

it.each(['rm', 'purge', 'info', 'undelete'])(
  '%s of nothing names the object, however short its name is',
  async (verb) => {
    const box = await sandbox();
    const { exitCode, stderr } = await box.run([verb, 'h', '--yes']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/^error: "h": /) as string,
    });
  },
);

it('gc names what it removed, and nothing of which there was nothing', async () => {
  const box = await sandbox();
  await box.seed({ k: 'data' });
  expect((await box.run(['gc'])).stdout).toBe('checked 1 object: nothing to remove\n');
  const dry = await box.run(['gc', '--dry-run']);
  expect(dry.stdout).toBe('checked 1 object: nothing to remove (dry run: nothing was changed)\n');
  expect(jsonLines((await box.run(['gc', '--dry-run', '--json'])).stdout)).toMatchObject([
    { summary: { objects: 1, bytes: 0, versions: 0, dryRun: true } },
  ]);
});

it('gc --dry-run says why older versions stay, and tries another history', async () => {
  const box = await sandbox();
  await box.seed({ k: '1' });
  expect((await box.run(['gc', '--dry-run'])).stderr).toBe('no older versions are kept\n');
  for (const data of ['2', '3', '4']) await box.seed({ k: data });
  const young = '3 older versions would stay: 3 younger than a day\n';
  const inADay = 'in a day, if nothing changes until then: would remove';
  expect((await box.run(['gc', '--dry-run'])).stderr).toBe(
    `${young}${inADay} nothing\nin a day: 3 older versions would stay: 3 among the newest 10 of their objects\n`,
  );
  const tried = await box.run(['gc', '--dry-run', '--history-versions', '1', '--history-days', '0']);
  expect(tried.exitCode).toBe(0);
  expect(tried.stderr).toMatch(
    new RegExp(
      `^${young}${inADay} 2 old versions: \\d+ B\\nin a day: 1 older version would stay: 1 among the newest 1 of their objects\\n$`,
    ),
  );
  const kept = { young: 3, unread: 0, newest: 0, recent: 0 };
  expect(jsonLines((await box.run(['gc', '--dry-run', '--json'])).stdout)).toMatchObject([{ summary: { kept } }]);
  const alone = await box.run(['gc', '--history-days', '7']);
  expect(alone).toMatchObject({ exitCode: 2, stdout: '' });
  expect(alone.stderr).toMatch(
    /add --dry-run .*\nhint: to change the history of the store: securestore settings change/,
  );
  const wrong = await box.run(['gc', '--dry-run', '--history-days', 'x']);
  expect(wrong.stderr).toContain('--history-days must be a whole number');
});

it('what was purged is not asked about again, and what is stored again is', async () => {
  const box = await sandbox();
  await box.seed({ k: 'x' });
  expect((await box.run(['purge', 'k', '--yes'])).exitCode).toBe(0);
  const gone = await box.run(['purge', 'k']);
  expect(gone).toMatchObject({ exitCode: 3, stdout: '' });
  expect(gone.stderr).toContain('the object does not exist, and has no history');
  await box.seed({ k: 'y' });
  expect((await box.run(['purge', 'k'])).stderr).toContain('cannot ask without a terminal');
});

it('rm and mv give the command for what they note, quoted for a shell', async () => {
  const box = await sandbox();
  await box.seed({ 'a key': 'x', "it's": 'y' });
  expect((await box.run(['rm', 'a key'])).stdout).toBe("deleted a key; to restore it: securestore undelete 'a key'\n");
  expect((await box.run(['mv', "it's", 'other'])).stderr).toBe(
    `note: the history stays with the old key; to list it: securestore history 'it'\\''s'\n`,
  );
});

it.each([
  [['find', 'x'], 'no key contains "x"\n'],
  [['browse'], 'no keys\n'],
  [['browse', '--prefix', 'db/'], 'no keys in this folder\n'],
  [['approval', 'list'], 'no requests for approval\n'],
  [['role', 'list'], 'no roles; to create one: securestore role add NAME --template reader\n'],
  [['token', 'list'], 'no API tokens; to create one: securestore token new PRINCIPAL\n'],
  [['grant'], 'no role is granted; the owner may do everything\n'],
])('%j says on stderr that there is nothing', async (args, stderr) => {
  const box = await sandbox();
  expect(await box.run(args)).toMatchObject({ exitCode: 0, stdout: '', stderr });
});

it('init ends with how to name the store once and for all', async () => {
  const box = await sandbox('none');
  const made = await box.run(['init', 'file:./my vault', '--key-file', 'key']);
  expect(made.stdout).toMatch(/^created a store at file:\S* vault\nfingerprint: \S+\ncreated the key file key\n$/);
  const url = `file:${box.path('my vault')}`;
  expect(made.stderr.trimEnd().split('\n').at(-1)).toBe(`to use it without --store: export 'SECURESTORE_URL=${url}'`);
  expect(made.stderr).toContain(`\nto use it without --key-file: export SECURESTORE_KEY_FILE=${box.path('key')}\n`);
  const exported = { SECURESTORE_URL: url, SECURESTORE_KEY_FILE: box.path('key') };
  expect(await box.run(['ls'], { env: exported })).toMatchObject({ exitCode: 0 });
  const known = await box.run(['init', '--key-file', 'key'], { env: { SECURESTORE_URL: `file:${box.path('other')}` } });
  expect(known.stderr).not.toContain('export');
});
