import { basename } from 'node:path';
import { createStore, keyFile, generateKeyFile, type SecureStore } from 'securestore';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyObject, type CopyWay } from '../../src/object/copy-object.ts';
import { pairsBelow, parseCopyScope } from '../../src/object/copy-scope.ts';
import { finished, jsonLines, sandbox, type Sandbox } from '../support/cli.ts';

const WITH = { metadata: { owner: 'ops' }, expires: new Date('2999-01-01') };
const HISTORY = /^note: the history stays with the old key; to list it: securestore history \S+\n$/;

async function keysOf(box: Sandbox): Promise<string[]> {
  return jsonLines((await box.run(['ls', '--json'])).stdout).map(({ key }) => String(key));
}

describe('cp and mv', () => {
  it('bring data, metadata and expiry to another key, and leave the history with the old one', async () => {
    const box = await sandbox();
    await box.seed({ 'db/password': 's3cr3t' }, WITH);
    const copied = await box.run(['cp', 'db/password', 'test/password']);
    expect(copied).toMatchObject({ exitCode: 0, stderr: '' });
    expect(copied.stdout).toMatch(/^copied db\/password to test\/password, 6 bytes, version \S+\n$/);
    const moved = await box.run(['mv', 'db/password', 'prod/']);
    expect(moved.stdout).toMatch(/^moved db\/password to prod\/password, 6 bytes/);
    expect(moved.stderr).toMatch(HISTORY);
    expect(await keysOf(box)).toEqual(['prod/password', 'test/password']);
    for (const key of await keysOf(box)) {
      const [info] = jsonLines((await box.run(['get', key, '--json'])).stdout);
      expect(info).toMatchObject({ data: 's3cr3t', metadata: { owner: 'ops' }, expires: '2999-01-01T00:00:00.000Z' });
    }
    expect((await box.run(['undelete', 'db/password'])).exitCode).toBe(0);
  });

  it('encrypt for the category of the new key', async () => {
    const box = await sandbox('none');
    await generateKeyFile(box.path('key'));
    const more = ['--key-file', 'key', '--store', 'sqlite:./v', '--json'];
    await box.run(['init', 'sqlite:./v', '--key-file', 'key', '--define-category', 'prod=prod/**']);
    await box.run(['put', 'a', ...more], { input: 'x' });
    expect(jsonLines((await box.run(['mv', 'a', 'prod/a', ...more])).stdout)).toMatchObject([
      { from: 'a', to: 'prod/a', status: 'moved', category: 'prod', size: 1 },
    ]);
    expect((await box.run(['get', 'prod/a', ...more])).stdout).toContain('"data":"x"');
  });

  it('replace nothing unless they are told to, and leave alone what is the same', async () => {
    const box = await sandbox();
    await box.seed({ a: '1', b: '2' });
    for (const verb of ['cp', 'mv']) {
      const refused = await box.run([verb, 'a', 'b']);
      expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
      expect(refused.stderr).toContain('the key "b" already exists [CONFLICT]');
      expect(refused.stderr).toContain('hint: to replace it, add --overwrite; its history keeps the present version\n');
    }
    expect((await box.run(['get', 'b'])).stdout).toBe('2');
    expect((await box.run(['cp', 'a', 'b', '--overwrite'])).exitCode).toBe(0);
    expect((await box.run(['get', 'b'])).stdout).toBe('1');
    expect((await box.run(['cp', 'a', 'b'])).stdout).toBe('b holds the same as a already\n');
    expect(jsonLines((await box.run(['history', 'b', '--json'])).stdout)).toHaveLength(2);
    // What a move that was interrupted has left is completed.
    expect((await box.run(['mv', 'a', 'b'])).stdout).toMatch(/^moved a to b/);
    expect(await keysOf(box)).toEqual(['b']);
    expect((await box.run(['mv', 'a', 'c'])).exitCode).toBe(3);
  });

  it.each([[['mv', 'old/', 'new/']], [['mv', '--recursive', 'old', 'new']], [['mv', 'old/', 'new']]])(
    'take all keys below a folder: %j',
    async (args) => {
      const box = await sandbox();
      await box.seed({ 'old/a': '1', 'old/b/c': '2', 'older/x': '3', old: '4', 'new/z': '5' });
      const { exitCode, stdout, stderr } = await box.run(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'moved 2 keys: old/ to new/\n' });
      expect(stderr).toMatch(HISTORY);
      expect(await keysOf(box)).toEqual(['new/a', 'new/b/c', 'new/z', 'old', 'older/x']);
    },
  );

  it('list what fails with exit code 8, and do the rest', async () => {
    const box = await sandbox();
    await box.seed({ 'a/1': '1', 'a/2': '2', 'b/2': 'other', 'b/3': '3' });
    const moved = await box.run(['mv', 'a/', 'b/']);
    expect(moved).toMatchObject({ exitCode: 8, stdout: 'moved 1 key, 1 failed: a/ to b/\n' });
    expect(moved.stderr).toMatch(/^failed: a\/2: the key "b\/2" already exists \[CONFLICT\]$/m);
    expect(await keysOf(box)).toEqual(['a/2', 'b/1', 'b/2', 'b/3']);
    const again = await box.run(['mv', 'a/', 'b/', '--json']);
    expect(again).toMatchObject({ exitCode: 8, stderr: '' });
    expect(jsonLines(again.stdout)).toMatchObject([
      { from: 'a/2', to: 'b/2', status: 'failed', error: { code: 'CONFLICT', exitCode: 6 } },
      { summary: { moved: 0, skipped: 0, failed: 1 } },
    ]);
    expect((await box.run(['cp', 'b/', 'c/'])).stdout).toBe('copied 3 keys: b/ to c/\n');
    expect((await box.run(['cp', 'b/', 'c/'])).stdout).toBe('copied 0 keys, 3 unchanged: b/ to c/\n');
  });

  it('pass over what has expired', async () => {
    const box = await sandbox();
    await box.seedExpired({ 'a/gone': 'x' });
    await box.seed({ 'a/there': 'y' });
    const copied = await box.run(['cp', 'a/', 'b/']);
    expect(copied).toMatchObject({ exitCode: 0, stdout: 'copied 1 key, 1 skipped: a/ to b/\n' });
    expect(copied.stderr).toBe('skipped: a/gone: it expired or was deleted\n');
    expect((await box.run(['cp', 'none/', 'b/'])).stderr).toContain('no keys under "none/". Nothing was changed.');
  });

  it.each([
    [['mv', 'a', 'a'], 'source and target are the same key "a"'],
    [['mv', 'a/', 'a'], 'source and target are the same folder "a/"'],
    [['cp', 'a/', 'a/b/'], 'the folder "a/" cannot go into itself, got "a/b/"'],
    [['mv', '/', 'b/'], '"/" names no folder'],
    [['mv', '--recursive', '', 'b'], '"" names no folder'],
    [['mv', 'a/', ''], '"" names no folder'],
    [['mv', 'a', ''], 'the key is empty'],
    [['mv', 'a', '../b'], '".." segment'],
    [['mv', 'a//', 'b/'], 'empty segment'],
  ])('refuse %j', async (args, says) => {
    const box = await sandbox();
    await box.seed({ a: '1', 'a/b': '2' });
    const { exitCode, stdout, stderr } = await box.run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(await keysOf(box)).toEqual(['a', 'a/b']);
  });

  it('never read a key that they write', () => {
    expect(parseCopyScope('a/b/', 'a/', false)).toEqual({ kind: 'folder', from: 'a/b', to: 'a' });
    expect(pairsBelow(['a/b/x'], 'a/b', 'a')).toEqual([{ from: 'a/b/x', to: 'a/x' }]);
    expect(() => pairsBelow(['a/b/x', 'a/b/b/x'], 'a/b', 'a')).toThrow('would be both source and target');
  });

  it('list a key that would be too long as failed', async () => {
    const box = await sandbox();
    const long = 'x'.repeat(1000);
    await box.seed({ [`a/${long}`]: '1', 'a/b': '2' });
    const moved = await box.run(['mv', 'a/', `${'y'.repeat(30)}/`]);
    expect(moved.exitCode).toBe(8);
    expect(moved.stderr).toContain('is longer than 1024 bytes');
    expect((await keysOf(box)).map((key) => key.length)).toEqual([1002, 32]);
  });
});

async function memoryStore(): Promise<SecureStore> {
  const box = await sandbox('none');
  await generateKeyFile(box.path('key'));
  const store = await createStore(`memory:${basename(box.path())}`, {
    unlock: keyFile(box.path('key')),
    anchor: false,
  });
  onTestFinished(() => store.close());
  return store;
}

function way(changes: Partial<CopyWay> = {}): CopyWay {
  return {
    moves: true,
    overwrite: false,
    signal: new AbortController().signal,
    counted: (stream) => stream,
    ...changes,
  };
}

/** A store of which some calls are others. */
function changed(store: SecureStore, calls: Partial<SecureStore>): SecureStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(name in calls ? calls : target, name);
      return typeof value === 'function' ? value.bind(name in calls ? calls : target) : value;
    },
  });
}

/** The first piece of a stream, and then a failure. */
async function* cutOff(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    yield chunk;
    throw new Error('unreadable');
  }
}

describe('a move', () => {
  const pair = { from: 'a', to: 'b' };

  it('deletes only the version that it has copied', async () => {
    const store = await memoryStore();
    await store.store('a', 'first');
    const busy = changed(store, {
      delete: async (key, options) => {
        await store.store('a', 'second');
        return await store.delete(key, options);
      },
    });
    await expect(copyObject(busy, pair, way())).rejects.toMatchObject({
      code: 'CONFLICT',
      key: 'a',
      message: 'cannot delete "a": it has a new version since it was copied. "b" is a copy of it.',
    });
    expect((await store.retrieve('a')).text()).toBe('second');
    expect((await store.retrieve('b')).text()).toBe('first');
  });

  it('replaces nothing that another writer has stored meanwhile', async () => {
    const store = await memoryStore();
    await store.store('a', 'mine');
    const busy = changed(store, {
      retrieveStream: async (key, options) => {
        await store.store('b', 'theirs');
        return await store.retrieveStream(key, options);
      },
    });
    await expect(copyObject(busy, pair, way())).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await store.retrieve('a')).text()).toBe('mine');
    expect((await store.retrieve('b')).text()).toBe('theirs');
  });

  it('that ended before the old key was deleted has both, and the next one completes it', async () => {
    const store = await memoryStore();
    await store.store('a', 'x'.repeat(200_000), WITH);
    const broken = changed(store, { delete: () => Promise.reject(new Error('the process ended')) });
    await expect(copyObject(broken, pair, way())).rejects.toThrow('the process ended');
    expect(await store.list()).toEqual(['a', 'b']);
    const before = (await store.info('b')).version;
    expect(await copyObject(store, pair, way())).toMatchObject({ status: 'moved', info: { version: before } });
    expect(await store.list()).toEqual(['b']);
  });

  it('stores nothing if the source cannot be read to its end', async () => {
    const store = await memoryStore();
    await store.store('a', 'x'.repeat(200_000));
    await expect(copyObject(store, pair, way({ counted: cutOff }))).rejects.toThrow();
    expect(await store.list()).toEqual(['a']);
  });

  it('that is killed loses nothing: each object is under one of its keys or both', { timeout: 120_000 }, async () => {
    const box = await sandbox();
    const names = Array.from({ length: 150 }, (_, index) => String(index).padStart(3, '0'));
    await box.seed(Object.fromEntries(names.map((name) => [`a/${name}`, name.repeat(20_000)])));
    for (const lines of [1, 3, 5, 7]) {
      const child = box.start(['mv', 'a/', 'b/', '--json']);
      let seen = 0;
      child.stdout?.on('data', (chunk: Buffer) => {
        seen += String(chunk).split('\n').length - 1;
        if (seen >= lines) child.kill('SIGKILL');
      });
      const { exitCode } = await finished(child);
      expect(exitCode).toBe(null);
      const keys = new Set(await keysOf(box));
      for (const name of names) expect(keys.has(`a/${name}`) || keys.has(`b/${name}`)).toBe(true);
    }
    expect((await box.run(['mv', 'a/', 'b/'])).exitCode).toBe(0);
    expect(await keysOf(box)).toEqual(names.map((name) => `b/${name}`));
    for (const name of names.slice(0, 5)) {
      expect((await box.run(['get', `b/${name}`])).stdout).toBe(name.repeat(20_000));
    }
  });
});
