import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { StorageBackend } from '@securestore/backend-api';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Authenticator, Rule, SecureStore } from '../src/index.ts';
import {
  addPrincipal,
  createStore,
  disablePrincipal,
  grantRole,
  openStore,
  rawKey,
  removePrincipal,
  revokeRole,
  setApprovals,
  setRole,
  templateRules,
} from '../src/index.ts';
import { unlock, World } from './support/access-world.ts';
import { extensionsOf } from '@securestore/objects/internal';

const READ_DB: Rule = { effect: 'allow', actions: ['read', 'list'], keys: ['db/**'] };
const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED' });
const ENDED = expect.objectContaining({ code: 'UNAUTHENTICATED' });

function deny(category: string): Rule {
  return { effect: 'deny', actions: ['read'], categories: [category] };
}

function unknownCategory(place: string): unknown {
  const message = `${place} names category "piii", which does not exist`;
  return expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) });
}

/** With alice, who may read under `db/`, and root, who may do everything. */
async function worldWithPeople(): Promise<{ world: World; store: SecureStore }> {
  const world = new World();
  const store = await world.open();
  await store.store('db/user', 'ops');
  await store.store('web/cookie', 's3cr3t');
  await store.access.change([
    setRole('administrator', templateRules('administrator')),
    setRole('database reader', [READ_DB]),
    addPrincipal('root', 'user'),
    addPrincipal('alice', 'service'),
    grantRole('root', 'administrator'),
    grantRole('alice', 'database reader'),
  ]);
  return { world, store };
}

describe('a session', () => {
  test('begun with an API token may do what the policy says, and no more', async () => {
    const { store } = await worldWithPeople();
    const { token, ...info } = await store.access.createToken('alice');
    expect(await store.access.tokens()).toEqual([info]);
    await using session = await store.session({ token });
    expect((await session.retrieve('db/user')).text()).toBe('ops');
    expect(await session.list()).toEqual(['db/user']);
    await expect(session.retrieve('web/cookie')).rejects.toEqual(DENIED);
    await expect(session.store('db/user', 'x')).rejects.toEqual(DENIED);
  });

  test.each([undefined, null, {}, { token: '' }, { token: 'sst_x' }, 'root', { principal: 'root' }])(
    'does not begin with %j',
    async (credentials) => {
      const { store } = await worldWithPeople();
      await expect(store.session(credentials)).rejects.toEqual(ENDED);
    },
  );

  test.each([{ tokn: 'sst_x' }, undefined, 'root'])(
    'of credentials that no authenticator is for says who was asked, and nothing of them: %j',
    async (credentials) => {
      const { world } = await worldWithPeople();
      const house: Authenticator = { name: 'house', authenticate: async () => undefined };
      await expect(world.open({ authenticators: [house, house] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(world.open({ authenticators: [{ ...house, name: 'api-tokens' }] })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('two authenticators have the name "api-tokens"'),
      });
      const store = await world.open({ authenticators: [house] });
      await expect(store.session(credentials)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: 'unknown kind of credentials; authenticators: api-tokens, house',
      });
    },
  );

  test.each([{ requestID: 'x' }, { requestId: 7 }, { timeout: '5s' }, { signal: {} }, null, 'x'])(
    'is not begun with options that are none: %j',
    async (options) => {
      const { store } = await worldWithPeople();
      const { token } = await store.access.createToken('alice');
      await expect(store.session({ token }, options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await using session = await store.session({ token }, { requestId: 'x', timeout: 5000, signal: undefined });
      expect(await session.list()).toEqual(['db/user']);
    },
  );

  test('ends with its token: revoked, expired, or its principal gone', async () => {
    const { world, store } = await worldWithPeople();
    const begin = async (expires?: Date) => {
      const made = await store.access.createToken('alice', { expires });
      return { ...made, session: await store.session({ token: made.token }) };
    };
    const revoked = await begin();
    await store.access.revokeToken(revoked.id);
    await expect(revoked.session.retrieve('db/user')).rejects.toEqual(ENDED);
    await expect(store.session({ token: revoked.token })).rejects.toEqual(ENDED);

    const expired = await begin(new Date(world.clock.now() + 1000));
    await expired.session.retrieve('db/user');
    world.clock.advance(1000);
    await expect(expired.session.retrieve('db/user')).rejects.toEqual(ENDED);
    expect(await store.access.tokens()).toEqual([]);

    const orphaned = await begin();
    await store.access.change(removePrincipal('alice'));
    await expect(orphaned.session.retrieve('db/user')).rejects.toEqual(ENDED);
    expect(await store.access.tokens()).toEqual([]);

    const again = [addPrincipal('alice', 'service'), grantRole('alice', 'database reader')];
    await store.access.change(again);
    const replaced = await begin();
    await store.access.change([removePrincipal('alice'), ...again]);
    await expect(replaced.session.retrieve('db/user')).rejects.toEqual(ENDED);
    await expect(store.session({ token: replaced.token })).rejects.toEqual(ENDED);
  });

  test('is begun by whoever an authenticator of the application vouches for', async () => {
    const { world } = await worldWithPeople();
    const house: Authenticator = {
      name: 'house',
      authenticate: async (credentials) => {
        const badge = (credentials as { badge?: unknown } | undefined)?.badge;
        return badge === 'alices' ? { principal: 'alice' } : undefined;
      },
    };
    const store = await world.open({ authenticators: [house] });
    await using session = await store.session({ badge: 'alices' });
    expect((await session.retrieve('db/user')).text()).toBe('ops');
    await expect(store.session({ badge: 'nobodys' })).rejects.toEqual(ENDED);
  });

  test('ends with its store', async () => {
    const { store } = await worldWithPeople();
    const { token } = await store.access.createToken('alice');
    const session = await store.session({ token });
    await store.close();
    await expect(session.retrieve('db/user')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.session({ token })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.access.policy()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a change of the policy', () => {
  // T-CALLER-09
  test('counts at once in its own process, and within five seconds in another', async () => {
    const { world, store } = await worldWithPeople();
    const other = await world.open();
    const { token } = await store.access.createToken('alice');
    world.clock.advance(5000);
    const [here, there] = [await store.session({ token }), await other.session({ token })];
    for (const session of [here, there]) expect((await session.retrieve('db/user')).text()).toBe('ops');
    await store.access.change(revokeRole('alice', 'database reader'));
    await expect(here.retrieve('db/user')).rejects.toEqual(DENIED);
    world.clock.advance(5000);
    await expect(there.retrieve('db/user')).rejects.toEqual(DENIED);
    expect(await there.list()).toEqual([]);
    await store.access.change(grantRole('alice', 'database reader'));
    world.clock.advance(5000);
    expect(await there.list()).toEqual(['db/user']);
  });

  test('where the head can not be confirmed lets nobody go on', async () => {
    const { world, store } = await worldWithPeople();
    const { token } = await store.access.createToken('alice');
    let reachable = true;
    const inner = world.backend();
    const backend: StorageBackend = new Proxy(inner, {
      get(target, name) {
        if (name === 'read' && !reachable) return () => Promise.reject(new Error('unplugged'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const other = await world.open({ backend });
    const session = await other.session({ token });
    await session.retrieve('db/user');
    reachable = false;
    world.clock.advance(5000);
    await expect(session.retrieve('db/user')).rejects.toThrow();
    await expect(session.list()).rejects.toThrow();
  });

  test('of many at once is lost by none', async () => {
    const { world, store } = await worldWithPeople();
    const others = [store, await world.open(), await world.open()];
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) =>
        others[index % others.length]?.access.change(addPrincipal(`user-${index}`, 'user')),
      ),
    );
    const { principals } = await store.access.policy();
    expect(principals).toHaveLength(14);
  });

  test('is there when the store is opened again, and so is everything that it leaves', async () => {
    const { world, store } = await worldWithPeople();
    await store.close();
    const again = await world.open();
    expect((await again.access.policy()).principals.map(({ name }) => name)).toEqual(['root', 'alice']);
    expect(await again.access.explain('alice', 'read', 'db/user')).toMatchObject({
      allowed: true,
      rule: { role: 'database reader', index: 0 },
    });
    expect(await again.access.explain('alice', 'read', 'web/cookie')).toMatchObject({
      allowed: false,
      reason: 'no rule',
    });
    expect(await again.access.explain('nobody', 'backup')).toMatchObject({ reason: 'unknown principal' });
  });

  test('can not take the last administrator away', async () => {
    const { store } = await worldWithPeople();
    for (const change of [removePrincipal('root'), disablePrincipal('root', true), revokeRole('root', 'administrator')])
      await expect(store.access.change(change)).rejects.toMatchObject({ code: 'CONFLICT', operation: 'access.change' });
  });

  test('is refused where a rule names a category that the store does not have', async () => {
    const world = new World();
    const store = await world.open({ categories: { pii: ['people/**'] } });
    await expect(store.access.change(setRole('role', [deny('pii'), deny('piii')]))).rejects.toEqual(
      unknownCategory('rule 2 of the role "role"'),
    );
    await expect(store.access.change(setApprovals([{ actions: ['purge'], categories: ['piii'] }]))).rejects.toEqual(
      unknownCategory('rule 1 of the approvals'),
    );
    await store.access.change(setRole('role', [deny('pii'), deny('default')]));
  });

  test('is possible beside rules that no release would take any more', async () => {
    const world = new World();
    const store = await world.open();
    const rules: Rule[] = [{ effect: 'allow', actions: ['verify'], keys: ['db/**'] }, deny('piii')];
    const approvals = [{ actions: ['rotate'], categories: ['piii'] }];
    const policy = { roles: [{ name: 'old', rules }], principals: [], approvals };
    const document = { version: 1, policy, tokens: [], requests: [] };
    await extensionsOf(store).policy.change('access.change', () => ({ policy: Buffer.from(JSON.stringify(document)) }));
    const other = await world.open();
    expect(await other.access.policy()).toEqual(policy);
    await other.access.change([
      addPrincipal('alice', 'user'),
      grantRole('alice', 'old'),
      setRole('old', [READ_DB, ...rules]),
    ]);
    expect(await other.access.explain('alice', 'read', 'db/user')).toMatchObject({ allowed: true });
  });

  test('goes on through a rotation of keys', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-access-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const url = `sqlite:${join(folder, 'vault.db')}`;
    const first = await createStore(url, { unlock, maintenance: false });
    await first.access.change([setRole('r', [READ_DB]), addPrincipal('alice', 'user'), grantRole('alice', 'r')]);
    const { token } = await first.access.createToken('alice');
    await first.store('db/user', 'ops');
    await first.rotateEncryptionKey(Buffer.alloc(32, 3), Buffer.alloc(32, 4), { depth: 'keys' });
    await first.close();
    await using again = await openStore(url, { unlock: rawKey(Buffer.alloc(32, 4)), maintenance: false });
    await using session = await again.session({ token });
    expect((await session.retrieve('db/user')).text()).toBe('ops');
    expect((await again.verify()).ok).toBe(true);
  });
});

test.each([
  ['explain an action that there is not', (store: SecureStore) => store.access.explain('alice', 'fly' as never)],
  ['explain reading nothing', (store: SecureStore) => store.access.explain('alice', 'read')],
  ['explain a key that is none', (store: SecureStore) => store.access.explain('alice', 'read', 'a/../b')],
  ['a token for nobody', (store: SecureStore) => store.access.createToken('nobody')],
  ['revoking a token that there is not', (store: SecureStore) => store.access.revokeToken('AAAAAAAAAAA')],
  ['a token that is over', (store: SecureStore) => store.access.createToken('alice', { expires: new Date(0) })],
])('%s is refused', async (_name, call) => {
  const { store } = await worldWithPeople();
  await expect(call(store)).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:INVALID_ARGUMENT|INVALID_KEY|NOT_FOUND)$/),
  });
});

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('who has the files and no secret', () => {
  const NAMES = ['quaestor', 'tesseract reader'];

  /** The objects of the policy in the files of a store, with what reads and writes them. */
  async function storeInFiles(): Promise<{ folder: string; url: string; token: string }> {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-access-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const url = `file:${join(folder, 'vault')}`;
    const store = await createStore(url, { unlock, maintenance: false });
    const [name = '', role = ''] = NAMES;
    await store.access.change([setRole(role, [READ_DB]), addPrincipal(name, 'user'), grantRole(name, role)]);
    const { token } = await store.access.createToken(name);
    await store.close();
    return { folder, url, token };
  }

  // T-CALLER-11
  test('learns no name of a principal or role, and no token', async () => {
    const { folder, url, token } = await storeInFiles();
    const secrets = [...NAMES, token, token.slice(-43)];
    for (const file of await filesUnder(folder)) {
      const bytes = await readFile(file);
      for (const secret of secrets) expect(bytes.includes(secret), file).toBe(false);
    }
    await using store = await openStore(url, { unlock });
    expect(inspect(store, { depth: Infinity, showHidden: true })).not.toContain(token);
  });

  // T-CALLER-11
  test('changes no policy unnoticed: whatever byte is another, the store does not open', async () => {
    const { folder, url } = await storeInFiles();
    const objects = await filesUnder(folder);
    const { rename, writeFile } = await import('node:fs/promises');
    const policies = objects.filter((file) => /[/\\]p[/\\]/.test(file));
    expect(policies.length).toBeGreaterThan(0);
    for (const file of policies) {
      const bytes = await readFile(file);
      let noticed = 0;
      for (let index = 0; index < bytes.length; index += 37) {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ 1;
        await writeFile(file, changed);
        noticed += await openStore(url, { unlock, maintenance: false }).then(
          async (store) => store.close().then(() => 0),
          () => 1,
        );
      }
      await writeFile(file, bytes);
      // One that no head names any more is read by nobody.
      expect([0, Math.ceil(bytes.length / 37)]).toContain(noticed);
      await rename(file, `${file}-away`);
      const gone = await openStore(url, { unlock, maintenance: false }).then(
        async (store) => store.close().then(() => false),
        () => true,
      );
      expect(gone).toBe(noticed > 0);
      await rename(`${file}-away`, file);
    }
  });
});
