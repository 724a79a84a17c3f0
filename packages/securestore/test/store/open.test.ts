import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { CreateOptions, CryptoEvent, OpenOptions, RemoteStore, SecureStore } from '../../src/index.ts';
import {
  createStore,
  fileAnchor,
  generateKeyFile,
  keyFile,
  openStore,
  passphrase,
  rawKey,
  SecureStoreError,
  stateFolder,
} from '../../src/index.ts';

const unlock = rawKey(Buffer.alloc(32, 3));
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'securestore-facade-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function failure(call: Promise<unknown>, code: string): Promise<SecureStoreError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!SecureStoreError.is(error)) throw new Error(`must fail with ${code}`, { cause: error });
  expect(error.code, error.message).toBe(code);
  return error;
}

describe('types of openStore', () => {
  it('tell a mistake at the very option', async () => {
    await failure(
      openStore('memory:', {
        unlock,
        // @ts-expect-error: it is "create"
        creat: true,
      }),
      'INVALID_ARGUMENT',
    );
    await failure(
      openStore('memory:', {
        // @ts-expect-error: it is a method
        unlock: 'passphrase',
      }),
      'INVALID_ARGUMENT',
    );
    await failure(
      openStore('https://127.0.0.1:1', {
        credentials: { token: 't' },
        // @ts-expect-error: a server has what unlocks the store
        create: true,
      }),
      'INVALID_ARGUMENT',
    );
    expectTypeOf(openStore<undefined>).returns.resolves.toEqualTypeOf<SecureStore>();
    expectTypeOf(openStore<{ token: string }>).returns.resolves.toEqualTypeOf<RemoteStore>();
  });
});

describe.each(['sqlite', 'file'])('a store at %s:', (scheme) => {
  const here = (name = 'vault'): string => `${scheme}:${join(folder, name)}`;

  it('is created, opened, and opened or created', async () => {
    const missing = await failure(openStore(here(), { unlock }), 'NOT_FOUND');
    expect(missing.operation).toBe('open');
    expect(missing.message).toBe(`open ${here()}: no store is here`);
    expect(missing.advice).toEqual([{ id: 'create-store' }]);
    const created = await createStore(here(), { unlock });
    await created.store('k', 'x');
    await created.close();
    const before = await readdir(folder);
    expect(await failure(createStore(here(), { unlock }), 'ALREADY_EXISTS')).toMatchObject({ operation: 'create' });
    expect(await readdir(folder)).toEqual(before);
    const opened = await openStore(here(), { unlock, create: true });
    expect(opened.fingerprint).toBe(created.fingerprint);
    expect((await opened.retrieve('k')).text()).toBe('x');
    await opened.close();
    await failure(openStore(here(), { unlock: rawKey(Buffer.alloc(32, 4)) }), 'UNLOCK_FAILED');
    await failure(openStore(here(), { unlock: passphrase('guess') }), 'UNLOCK_FAILED');
    await (await openStore(here('other'), { unlock, create: true })).close();
  });

  it.runIf(process.platform === 'linux')('is named once where the backend names its path as well', async () => {
    // Nobody can make anything there.
    const path = scheme === 'file' ? '/proc/none' : '/proc/none/vault';
    const { message } = await failure(createStore(`${scheme}:${path}`, { unlock }), 'UNAVAILABLE');
    const reason = scheme === 'file' ? 'a folder or file cannot be created there' : 'the file system failed';
    expect(message).toMatch(new RegExp(`^create ${scheme}:${path}: ${reason}`));
  });

  it('is made once where several try at the same moment', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(here(), { unlock, create: true })));
    expect(new Set(stores.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    const results = await Promise.allSettled([0, 1, 2].map(() => createStore(here('second'), { unlock })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ALREADY_EXISTS' });
      else await result.value.close();
    }
    await Promise.all(stores.map((store) => store.close()));
  });

  it('is refused where its fingerprint is not the pinned one', async () => {
    const store = await createStore(here(), { unlock });
    await store.close();
    await failure(openStore(here(), { unlock, fingerprint: 'a'.repeat(52) }), 'INTEGRITY');
    await failure(openStore(here('none'), { unlock, create: true, fingerprint: store.fingerprint }), 'NOT_FOUND');
    await (await openStore(here(), { unlock, fingerprint: store.fingerprint })).close();
  });

  // T-THIEF-01
  it('that was replaced is noticed by a file anchor, from any working directory', async () => {
    const anchor = fileAnchor(join(folder, 'state'));
    const first = await createStore(here(), { unlock, anchor });
    await first.close();
    await failure(openStore(here('gone'), { unlock, anchor }), 'NOT_FOUND');
    rmSync(join(folder, 'vault'), { recursive: true });
    for (const leftover of await readdir(folder)) if (leftover.startsWith('vault')) rmSync(join(folder, leftover));
    await failure(openStore(here(), { unlock, anchor }), 'ROLLBACK');
    await failure(openStore(here(), { unlock, anchor, create: true }), 'ROLLBACK');
    const second = await createStore(here(), { unlock });
    await second.close();
    await failure(openStore(here(), { unlock, anchor }), 'ROLLBACK');
    await (await openStore(here(), { unlock, anchor, acceptRollback: true })).close();
    await (await openStore(here(), { unlock, anchor })).close();
    const [file = ''] = await readdir(join(folder, 'state'));
    expect((await stat(join(folder, 'state', file))).mode & 0o777).toBe(0o600);
    // The name of this field is stored, and older releases have written it.
    expect(JSON.parse(await readFile(join(folder, 'state', file), 'utf8'))).toHaveProperty('location', here());
    await writeFile(join(folder, 'state', file), '{"generation":1}');
    await failure(openStore(here(), { unlock, anchor }), 'INTEGRITY');
  });
});

describe('the anchor in a file', () => {
  it.runIf(process.platform === 'linux')('fails, and ends, where its folder can not be made', async () => {
    const record = { instance: 'i', generation: 1, fingerprint: 'f' };
    await failure(fileAnchor('/proc/none/state').write('sqlite:/vault', record), 'UNAVAILABLE');
  });

  it('is not below a relative path, which would be elsewhere in every working directory', () => {
    vi.stubEnv('XDG_STATE_HOME', 'relative');
    expect(stateFolder()).toBe(join(homedir(), '.local', 'state', 'securestore'));
    vi.stubEnv('XDG_STATE_HOME', folder);
    expect(stateFolder()).toBe(join(folder, 'securestore'));
    vi.unstubAllEnvs();
  });
});

describe('a memory store', () => {
  it('with a name lasts as long as the process, and without one as long as it is open', async () => {
    const store = await createStore('memory:facade-test', { unlock });
    await store.store('k', 'x');
    await store.close();
    const again = await openStore('memory:facade-test', { unlock });
    expect(await again.list()).toEqual(['k']);
    await again.close();
    await (await createStore('memory:', { unlock })).close();
    await failure(openStore('memory:', { unlock }), 'NOT_FOUND');
  });
});

describe('store URLs', () => {
  it.each([
    ['', 'INVALID_ARGUMENT'],
    ['vault.db', 'INVALID_ARGUMENT'],
    ['./vault.db', 'INVALID_ARGUMENT'],
    [':rest', 'INVALID_ARGUMENT'],
    ['sqlite:', 'INVALID_ARGUMENT'],
    ['sqlite::memory:', 'INVALID_ARGUMENT'],
    ['file:', 'INVALID_ARGUMENT'],
    ['file://host/vault', 'INVALID_ARGUMENT'],
    ['memory:no/slashes', 'INVALID_ARGUMENT'],
    ['sqlite:a\nb', 'INVALID_ARGUMENT'],
    [`sqlite:${'a'.repeat(5000)}`, 'INVALID_ARGUMENT'],
    ['unheard-of:somewhere', 'BACKEND_NOT_INSTALLED'],
  ])('%o is refused', async (url, code) => {
    const error: unknown = await openStore(url, { unlock }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ retryable: false });
    // Whether an unknown scheme is a wrong argument or a missing backend is for the discovery to say.
    if (url.startsWith('unheard-of')) expect(error).toBeInstanceOf(SecureStoreError);
    else expect(error).toMatchObject({ code });
    await expect(createStore(url, { unlock })).rejects.toMatchObject({ retryable: false });
  });

  it.each([undefined, null, 7, {}, new URL('file:///tmp/x')])('%o is refused', async (url) => {
    await failure(openStore(url as never, { unlock }), 'INVALID_ARGUMENT');
  });

  it('of a backend that is not installed keep their credentials out of errors', async () => {
    // An application that has none of them.
    const url = 'mongodb://user:hunter2@host/db?password=hunter3';
    const error = await failure(openStore(url, { unlock, resolveFrom: folder }), 'BACKEND_NOT_INSTALLED');
    expect(error.advice).toEqual([{ id: 'install-package', package: '@securestore/backend-mongodb' }]);
    expect(`${error.stack} ${String(error.cause)}`).not.toMatch(/hunter/);
  });
});

describe('options', () => {
  const WRONG: readonly (readonly [string, unknown])[] = [
    ['none', undefined],
    ['null', null],
    ['no unlock', {}],
    ['a passphrase in place of a method', { unlock: 'correct horse' }],
    ['an unknown option', { unlock, passphrase: 'x' }],
    ['a timeout of 0', { unlock, timeout: 0 }],
    ['a timeout past what timers hold', { unlock, timeout: 2 ** 40 }],
    ['a signal that is none', { unlock, signal: {} }],
    ['an anchor that is none', { unlock, anchor: 'yes' }],
    ['null for an anchor', { unlock, anchor: null }],
    ['an anchor without methods', { unlock, anchor: {} }],
    ['a logger without methods', { unlock, logger: {} }],
    ['a listener that is none', { unlock, onCryptoEvent: 'log' }],
    ['a clock that is none', { unlock, clock: {} }],
    ['a backend that is none', { unlock, backend: {} }],
  ];
  const ONLY_OPENING: readonly (readonly [string, unknown])[] = [
    ['create that is no boolean', { unlock, create: 'true' }],
    ['acceptRollback that is no boolean', { unlock, acceptRollback: 1 }],
    ['a fingerprint that is no string', { unlock, fingerprint: 7 }],
    ['a fingerprint that can be none', { unlock, fingerprint: 'abc' }],
  ];
  const ONLY_CREATING: readonly (readonly [string, unknown])[] = [
    ['categories without patterns', { unlock, categories: { a: [] } }],
    ['a category by a wrong name', { unlock, categories: { 'a b': ['x'] } }],
    ['the default category', { unlock, categories: { default: ['x'] } }],
    ['a pattern that no key matches', { unlock, categories: { a: ['/x'] } }],
    ['a pattern with a misplaced **', { unlock, categories: { a: ['x**'] } }],
    ['a negative history', { unlock, history: { versions: -1 } }],
    ['a history of half a day', { unlock, history: { days: 0.5 } }],
    ['an unknown setting of the history', { unlock, history: { version: 3 } }],
    ['unknown names', { unlock, names: 'clear' }],
    ['a journal that is neither on nor off', { unlock, journal: 'on' }],
  ];

  it.each([...WRONG, ...ONLY_OPENING])('opening refuses %s', async (_what, options) => {
    await failure(openStore('memory:', options as OpenOptions), 'INVALID_ARGUMENT');
  });

  it.each([...WRONG, ...ONLY_CREATING])('creating refuses %s', async (_what, options) => {
    const url = `sqlite:${join(folder, 'vault')}`;
    await failure(createStore(url, options as CreateOptions), 'INVALID_ARGUMENT');
    await failure(openStore(url, { unlock }), 'NOT_FOUND');
  });

  it('onCryptoEvent hears what is done with keys from the making of a store to its closing', async () => {
    const heard: string[] = [];
    const onCryptoEvent = ({ type, outcome }: CryptoEvent): void => void heard.push(`${type} ${outcome}`);
    const url = `sqlite:${join(folder, 'vault')}`;
    const store = await createStore(url, { unlock, onCryptoEvent });
    await store.store('k', 'x');
    await store.close();
    const made = ['slot.added done', 'key.created done', 'key.created done', 'unlock done', 'key.used done'];
    expect(heard.splice(0)).toEqual(made);
    await failure(openStore(url, { unlock: passphrase('guess'), onCryptoEvent }), 'UNLOCK_FAILED');
    expect(heard.splice(0)).toEqual(['unlock UNLOCK_FAILED']);
    await (await openStore(url, { unlock, create: true, onCryptoEvent })).close();
    expect(heard).toEqual(['unlock done']);
  });

  it('end by signal and by time', async () => {
    const reason = new Error('enough');
    const opening = openStore('memory:', { unlock, create: true, signal: AbortSignal.abort(reason) });
    expect((await failure(opening, 'ABORTED')).cause).toBe(reason);
    const silent = forwardTo(new MemoryBackend(), { read: () => new Promise(() => undefined) });
    await failure(openStore('memory:', { unlock, backend: silent, timeout: 30 }), 'TIMEOUT');
    const neverReady = forwardTo(new MemoryBackend(), { init: () => new Promise(() => undefined) });
    await failure(openStore('memory:', { unlock, backend: neverReady, timeout: 30 }), 'TIMEOUT');
    const controller = new AbortController();
    const waiting = openStore('memory:', { unlock, backend: neverReady, signal: controller.signal });
    controller.abort(reason);
    expect((await failure(waiting, 'ABORTED')).cause).toBe(reason);
  });
});

function counted(): { backend: StorageBackend; closed: () => number } {
  let closed = 0;
  const inner = new MemoryBackend();
  const backend = forwardTo(inner, {
    close: async () => {
      closed += 1;
      await inner.close();
    },
  });
  return { backend, closed: () => closed };
}

describe('a backend that is passed in', () => {
  it('is never closed, and serves one store after the other', async () => {
    const { backend, closed } = counted();
    const first = await createStore('memory:', { unlock, backend });
    await first.store('k', 'x');
    await first.close();
    await failure(openStore('memory:', { unlock: rawKey(Buffer.alloc(32, 9)), backend }), 'UNLOCK_FAILED');
    const second = await openStore('memory:', { unlock, backend });
    expect((await second.retrieve('k')).text()).toBe('x');
    await second.close();
    expect(closed()).toBe(0);
  });
});

describe('key files', () => {
  // T-THIEF-02
  it('unlock, are readable by their owner alone, and are never overwritten', async () => {
    const path = join(folder, 'key');
    await generateKeyFile(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path)).toHaveLength(32);
    const before = await readFile(path);
    await failure(generateKeyFile(path), 'ALREADY_EXISTS');
    expect(await readFile(path)).toEqual(before);
    const url = `sqlite:${join(folder, 'vault')}`;
    await (await createStore(url, { unlock: keyFile(path) })).close();
    await (await openStore(url, { unlock: keyFile(path) })).close();
    await generateKeyFile(join(folder, 'other'));
    await failure(openStore(url, { unlock: keyFile(join(folder, 'other')) }), 'UNLOCK_FAILED');
  });

  it.each([
    ['that is missing', async () => undefined],
    ['that is a folder', async () => void mkdtempSync(join(folder, 'key'))],
    ['that is empty', (path: string) => writeFile(path, '')],
    ['of 31 bytes', (path: string) => writeFile(path, Buffer.alloc(31, 1))],
    ['of more than 1 MiB', (path: string) => writeFile(path, Buffer.alloc(1024 * 1024 + 1, 1))],
  ])('%s is refused, and no store is made', async (_what, prepare) => {
    const path = join(folder, 'key');
    await prepare(path);
    const url = `sqlite:${join(folder, 'vault')}`;
    await failure(createStore(url, { unlock: keyFile(path) }), 'INVALID_ARGUMENT');
    await failure(openStore(url, { unlock }), 'NOT_FOUND');
  });

  it('can not be written into a folder that is not there', async () => {
    const error = await failure(generateKeyFile(join(folder, 'none', 'key')), 'UNAVAILABLE');
    expect(error.retryable).toBe(false);
  });

  it.runIf(process.getuid?.() !== 0)(
    'that can not be read is refused (root reads everything, so not as root)',
    async () => {
      const path = join(folder, 'key');
      await generateKeyFile(path);
      await chmod(path, 0o000);
      await failure(openStore('memory:', { unlock: keyFile(path), create: true }), 'INVALID_ARGUMENT');
    },
  );
});
