import { randomBytes } from 'node:crypto';
import type { ItemResult, SecureStorage } from '@securestore/objects';
import type { SecureStore } from 'securestore';
import { createStore, rawKey, SecureStoreError } from 'securestore';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Policy, Rule, SessionContext, Subject } from '../../src/index.ts';
import { Decider, SURFACE, Session, isObjectAction, parsePrincipalName, parsePolicy } from '../../src/index.ts';

let store: SecureStore;
let rules: Rule[];
let now: number;

const DENIED = expect.objectContaining({ code: 'ACCESS_DENIED', retryable: false });
const ENDED = expect.objectContaining({ code: 'UNAUTHENTICATED' });
const CLOSED = expect.objectContaining({
  code: 'UNAUTHENTICATED',
  message: expect.stringContaining('the session is closed'),
});

beforeEach(async () => {
  store = await createStore('memory:', { unlock: rawKey(randomBytes(32)), maintenance: false });
  onTestFinished(async () => store.close());
  rules = [];
  now = Date.now();
  for (const key of ['seen/a', 'seen/b', 'hidden/a', 'hidden/b']) {
    await store.store(key, `first of ${key}`);
    await store.store(key, `second of ${key}`, { metadata: { about: key } });
  }
  await store.store('seen/gone', 'x');
  await store.delete('seen/gone');
});

function policy(): Policy {
  return parsePolicy({
    roles: [{ name: 'role', rules }],
    principals: [{ name: 'alice', kind: 'user', disabled: false, grants: [{ role: 'role' }] }],
  });
}

function alice(): Subject {
  return new Decider(policy()).subject(parsePrincipalName('alice'));
}

/** A session under whatever the rules are by then. */
function session(more: Partial<SessionContext> = {}): Session {
  return new Session({ storage: store, subject: alice, now: () => now, ...more });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

/** One use of each call, on a key. */
const CALLS: Readonly<Record<keyof SecureStorage, (storage: SecureStorage, key: string) => Promise<unknown>>> = {
  store: (storage, key) => storage.store(key, 'x'),
  storeMany: async (storage, key) => firstOf(await storage.storeMany([{ key, data: 'x' }])),
  setMetadata: (storage, key) => storage.setMetadata(key, {}),
  retrieve: (storage, key) => storage.retrieve(key),
  retrieveMany: async (storage, key) => firstOf(await storage.retrieveMany([key])),
  retrieveStream: async (storage, key) => collect((await storage.retrieveStream(key)).stream),
  info: (storage, key) => storage.info(key),
  matches: (storage, key) => storage.matches(key, 'x'),
  has: (storage, key) => storage.has(key),
  list: async (storage, key) => visible(await storage.list(key), key),
  keys: async (storage, key) => visible(await collect(storage.keys(key)), key),
  entries: async (storage, key) =>
    visible(
      (await collect(storage.entries(key))).map((entry) => entry.key),
      key,
    ),
  history: (storage, key) => storage.history(key),
  delete: (storage, key) => storage.delete(key),
  undelete: async (storage, key) => {
    await store.delete(key);
    return storage.undelete(key);
  },
  restoreVersion: async (storage, key) => storage.restoreVersion(key, (await store.history(key)).at(-1)?.version ?? ''),
  purge: (storage, key) => storage.purge(key),
};
const NAMES = Object.keys(CALLS) as (keyof SecureStorage)[];

function firstOf<T>([result]: readonly ItemResult<T>[]): void {
  if (result !== undefined && !result.ok) throw result.error;
}

/** A listing that doesn't show a name is a refusal. */
function visible(names: readonly string[], key: string): void {
  if (!names.includes(key)) throw Object.assign(new Error('not listed'), { code: 'ACCESS_DENIED', retryable: false });
}

describe.each(NAMES)('%s', (call) => {
  const action = SURFACE[call];
  /** An entry is seen only by who may list its name, too. */
  const needed: Rule['actions'] = call === 'entries' ? ['list', 'read'] : [action];

  test('is allowed by a rule for its action on the key', async () => {
    rules = [{ effect: 'allow', actions: needed, keys: ['seen/*'] }];
    await CALLS[call](session(), 'seen/a');
  });

  test('is denied by default, by a rule for other keys, other actions, other categories, and one that has ended', async () => {
    const others: Rule[][] = [
      [],
      [{ effect: 'allow', actions: needed, keys: ['hidden/*'] }],
      [
        {
          effect: 'allow',
          actions: ['backup', ...(['read', 'list', 'write'] as const).filter((other) => !needed.includes(other))],
        },
      ],
      [{ effect: 'allow', actions: ['*'], categories: ['other'] }],
      [{ effect: 'allow', actions: ['*'], expires: now }],
    ];
    for (rules of others) {
      const before = await store.history('seen/a');
      await expect(CALLS[call](session(), 'seen/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      if (call !== 'undelete') expect(await store.history('seen/a')).toEqual(before);
    }
  });

  test('is denied where one rule denies what another allows', async () => {
    rules = [
      { effect: 'allow', actions: ['*'] },
      { effect: 'deny', actions: [action], keys: ['seen/a'] },
    ];
    await expect(CALLS[call](session(), 'seen/a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('is refused once the session is closed or over', async () => {
    rules = [{ effect: 'allow', actions: ['*'] }];
    const closed = session();
    await closed.close();
    await expect(CALLS[call](closed, 'seen/a')).rejects.toEqual(CLOSED);
    await expect(CALLS[call](session({ until: now }), 'seen/a')).rejects.toEqual(ENDED);
    await expect(CALLS[call](session({ until: Number.NaN }), 'seen/a')).rejects.toEqual(ENDED);
    const holds = (async () => true) as never;
    await expect(CALLS[call](session({ holds }), 'seen/a')).rejects.toEqual(ENDED);
  });

  test('waits for the policy to be confirmed, and fails where it can not be', async () => {
    rules = [{ effect: 'allow', actions: ['*'] }];
    const failing = session({ confirm: () => Promise.reject(new Error('unreachable')) });
    await expect(CALLS[call](failing, 'seen/a')).rejects.toThrow('unreachable');
  });
});

describe('a session that is kept is asked whether it is still good', () => {
  test('and is, whatever may be done in it, without a decision', async () => {
    rules = [];
    const heard: unknown[] = [];
    const kept = session({ onDecision: (...decision) => void heard.push(decision) });
    await kept.check();
    await kept.check({ timeout: 1000 });
    expect([heard, kept.figures]).toEqual([[], { hits: 0, misses: 0 }]);
  });

  test('and is not once it is closed, its time is up, or what it was begun by is taken back', async () => {
    const closed = session();
    await closed.close();
    await expect(closed.check()).rejects.toEqual(CLOSED);
    await expect(session({ until: now }).check()).rejects.toEqual(ENDED);
    let holds = true;
    const kept = session({ holds: () => holds });
    await kept.check();
    holds = false;
    await expect(kept.check()).rejects.toEqual(ENDED);
  });

  test('and is not while who acts is disabled', async () => {
    let disabled = false;
    const kept = session({
      subject: () => {
        const { roles, principals } = policy();
        const [principal] = principals;
        if (principal === undefined) throw new Error('there is nobody');
        return new Decider({ roles, principals: [{ ...principal, disabled }] }).subject(principal.name);
      },
    });
    await kept.check();
    disabled = true;
    await expect(kept.check()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    disabled = false;
    await kept.check();
  });

  test('and fails where the policy can not be confirmed', async () => {
    await expect(session({ confirm: () => Promise.reject(new Error('unreachable')) }).check()).rejects.toThrow(
      'unreachable',
    );
    const { promise } = Promise.withResolvers<void>();
    await expect(session({ confirm: () => promise }).check({ timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});

// T-CALLER-02
test('every call has an action that rules about keys can name', () => {
  for (const call of NAMES) expect(isObjectAction(SURFACE[call])).toBe(true);
  expect(Object.keys(SURFACE).toSorted()).toEqual(NAMES.toSorted());
});

describe('what may not be seen', () => {
  beforeEach(() => {
    rules = [{ effect: 'allow', actions: ['*'], keys: ['seen/**'] }];
  });

  // T-CALLER-06
  test('is in no listing, whatever the prefix', async () => {
    for (const prefix of ['', 'hidden/', 'hid', 's', 'seen/']) {
      const shown = await store.list(prefix).then((names) => names.filter((name) => name.startsWith('seen/')));
      expect(await session().list(prefix)).toEqual(shown);
      expect((await collect(session().keys(prefix))).toSorted()).toEqual(shown);
      expect((await collect(session().entries(prefix))).map(({ key }) => key).toSorted()).toEqual(shown);
    }
  });

  // T-CALLER-06
  test('can not be told from what is not there', async () => {
    for (const call of NAMES.filter(
      (name) => !['list', 'keys', 'entries', 'undelete', 'restoreVersion'].includes(name),
    )) {
      const [there, absent] = await Promise.all(
        ['hidden/a', 'hidden/nothing'].map(async (key) =>
          CALLS[call](session(), key).then(
            () => 'allowed',
            ({ code, message }: Error & { code: string }) => ({ code, message }),
          ),
        ),
      );
      expect(there).toMatchObject({ code: 'ACCESS_DENIED' });
      expect(there).toEqual(absent);
    }
  });

  test('in a batch is refused in its place, and the rest is done', async () => {
    const keys = ['hidden/a', 'seen/a', 'seen/nothing', 'hidden/nothing', '../seen/a', 'seen/b'];
    const read = await session().retrieveMany(keys);
    expect(read.map((item) => [item.key, item.ok ? item.value.text() : item.error.code])).toEqual([
      ['hidden/a', 'ACCESS_DENIED'],
      ['seen/a', 'second of seen/a'],
      ['seen/nothing', 'NOT_FOUND'],
      ['hidden/nothing', 'ACCESS_DENIED'],
      ['../seen/a', 'INVALID_KEY'],
      ['seen/b', 'second of seen/b'],
    ]);
    const stored = await session().storeMany(keys.map((key) => ({ key, data: 'new' })));
    expect(stored.map((item) => (item.ok ? 'stored' : item.error.code))).toEqual([
      'ACCESS_DENIED',
      'stored',
      'stored',
      'ACCESS_DENIED',
      'INVALID_KEY',
      'stored',
    ]);
    expect((await store.retrieve('hidden/a')).text()).toBe('second of hidden/a');
  });

  test('is not reached by an item that says another key when it is asked again', async () => {
    let asked = 0;
    const item = {
      data: 'new',
      get key(): string {
        return asked++ === 0 ? 'seen/a' : 'hidden/a';
      },
    };
    await session().storeMany([item]);
    expect((await store.retrieve('seen/a')).text()).toBe('new');
    expect((await store.retrieve('hidden/a')).text()).toBe('second of hidden/a');
  });

  test('is not reached by tricks of paths: they are no keys', async () => {
    for (const key of [
      'seen/../hidden/a',
      'seen//../hidden/a',
      './hidden/a',
      'seen/a\0',
      '/hidden/a',
      'seen/ä'.normalize('NFD'),
    ]) {
      for (const call of ['retrieve', 'store', 'delete', 'has', 'history', 'purge'] as const)
        await expect(CALLS[call](session(), key)).rejects.toMatchObject({ code: 'INVALID_KEY' });
    }
  });
});

test('what an object was takes the right to its history', async () => {
  const [, first] = await store.history('seen/a');
  const version = first?.version ?? '';
  rules = [{ effect: 'allow', actions: ['read'] }];
  for (const options of [{ version }, { at: new Date(now + 1000) }]) {
    await expect(session().retrieve('seen/a', options)).rejects.toEqual(DENIED);
    await expect(session().retrieveStream('seen/a', options)).rejects.toEqual(DENIED);
    await expect(session().info('seen/a', options)).rejects.toEqual(DENIED);
  }
  for (const call of ['retrieve', 'retrieveStream', 'info'] as const) {
    let asked = 0;
    const options = {
      get version(): string {
        return ++asked === 1 ? (undefined as never) : version;
      },
    };
    await expect(session()[call]('seen/a', options)).rejects.toEqual(DENIED);
  }
  rules = [{ effect: 'allow', actions: ['read', 'history'] }];
  expect((await session().retrieve('seen/a', { version })).text()).toBe('first of seen/a');
});

describe('what is taken away', () => {
  const large = randomBytes(3_000_000);

  // T-CALLER-09
  test('stops a stream that is under way', async () => {
    await store.store('seen/large', large);
    rules = [{ effect: 'allow', actions: ['read'] }];
    const reader = (await session().retrieveStream('seen/large')).stream.getReader();
    expect((await reader.read()).done).toBe(false);
    rules = [];
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toEqual(DENIED);
  });

  test('stops a store whose data are still coming, also at its end', async () => {
    for (const after of [1, 3]) {
      rules = [{ effect: 'allow', actions: ['write'] }];
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        for (let sent = 0; sent < 3; sent++) {
          yield large.subarray(0, 1000);
          if (sent + 1 === after) rules = [];
        }
      };
      await expect(session().store('seen/a', chunks())).rejects.toEqual(DENIED);
      expect((await store.retrieve('seen/a')).text()).toBe('second of seen/a');
    }
  });

  test('stops the items of a batch whose data are still coming', async () => {
    rules = [{ effect: 'allow', actions: ['write'] }];
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield large;
      rules = [];
      yield large;
    };
    const [result] = await session().storeMany([{ key: 'seen/a', data: chunks() }]);
    expect(result).toEqual({ key: 'seen/a', ok: false, error: DENIED });
  });

  test('while it is being read is not told any more, nor that there is nothing', async () => {
    for (const key of ['seen/a', 'seen/nothing']) {
      rules = [{ effect: 'allow', actions: ['read'] }];
      const onDecision = (): void => void (rules = []);
      await expect(session({ onDecision }).retrieve(key)).rejects.toEqual(DENIED);
    }
  });

  test('ends a listing', async () => {
    rules = [{ effect: 'allow', actions: ['list'] }];
    const names: string[] = [];
    for await (const name of session().keys()) {
      names.push(name);
      rules = [];
    }
    expect(names).toHaveLength(1);
  });
});

test('a session of what can do nothing but the calls about data administers nothing', async () => {
  rules = [{ effect: 'allow', actions: ['*'] }];
  const unsupported = { code: 'UNSUPPORTED' };
  await expect(session().slots.list()).rejects.toMatchObject(unsupported);
  await expect(session().gc()).rejects.toMatchObject(unsupported);
  await expect(session().access.policy()).rejects.toMatchObject(unsupported);
  const partly = session({ administration: { slots: store.slots } });
  expect(await partly.slots.list()).toHaveLength(1);
  await expect(partly.verify()).rejects.toMatchObject(unsupported);
});

describe('what was taken away in another process, as a look at the store tells,', () => {
  const large = randomBytes(3_000_000);
  let takenAway: boolean;
  const told = (): Session =>
    session({
      confirm: () => {
        if (takenAway) rules = [];
        return undefined;
      },
    });

  beforeEach(() => {
    rules = [{ effect: 'allow', actions: ['*'] }];
    takenAway = false;
  });

  // T-CALLER-09
  test('stops a stream that is under way', async () => {
    await store.store('seen/large', large);
    const reader = (await told().retrieveStream('seen/large')).stream.getReader();
    expect((await reader.read()).done).toBe(false);
    takenAway = true;
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toEqual(DENIED);
  });

  test('stops a store whose data are still coming, also at its end', async () => {
    for (const after of [1, 3]) {
      takenAway = false;
      rules = [{ effect: 'allow', actions: ['write'] }];
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        for (let sent = 0; sent < 3; sent++) {
          yield large.subarray(0, 1000);
          if (sent + 1 === after) takenAway = true;
        }
      };
      await expect(told().store('seen/a', chunks())).rejects.toEqual(DENIED);
      expect((await store.retrieve('seen/a')).text()).toBe('second of seen/a');
    }
  });

  test('refuses the items of a batch that come after that', async () => {
    const keys = ['seen/a', 'seen/b'];
    const comingItems = async function* (): AsyncGenerator<{ key: string; data: string }> {
      for (const key of keys) {
        yield { key, data: 'new' };
        takenAway = true;
      }
    };
    const stored = await told().storeMany(comingItems());
    expect(stored.map((item) => item.ok)).toEqual([true, false]);
    expect((await store.retrieve('seen/b')).text()).toBe('second of seen/b');
  });

  test('is not told, though it was read before that', async () => {
    const comingKeys = async function* (): AsyncGenerator<string> {
      yield 'seen/a';
      takenAway = true;
    };
    expect(await told().retrieveMany(comingKeys())).toEqual([{ key: 'seen/a', ok: false, error: DENIED }]);
    rules = [{ effect: 'allow', actions: ['*'] }];
    takenAway = false;
    const names = told().list();
    takenAway = true;
    expect(await names).toEqual([]);
  });

  test.each(['keys', 'entries'] as const)('ends %s', async (call) => {
    let seen = 0;
    for await (const _ of told()[call]()) {
      seen += 1;
      takenAway = true;
    }
    expect(seen).toBe(1);
  });

  test('fails a store, and the items of a batch, where it can not be looked while they are coming', async () => {
    let reachable = true;
    const unavailable = new SecureStoreError('UNAVAILABLE', 'unreachable');
    const comingData = async function* (): AsyncGenerator<Uint8Array> {
      yield large.subarray(0, 1000);
      reachable = false;
    };
    const comingKeys = async function* (): AsyncGenerator<string> {
      reachable = false;
      yield 'seen/a';
      reachable = true;
      yield 'seen/b';
    };
    const confirm = (): Promise<void> | undefined => (reachable ? undefined : Promise.reject(unavailable));
    await expect(session({ confirm }).store('seen/a', comingData())).rejects.toBe(unavailable);
    reachable = true;
    const read = await session({ confirm }).retrieveMany(comingKeys());
    expect(read.map((item) => (item.ok ? item.value.text() : item.error))).toEqual([unavailable, 'second of seen/b']);
  });
});

test('a batch ends with its session', async () => {
  rules = [{ effect: 'allow', actions: ['*'] }];
  const ending = session();
  const keys = async function* (): AsyncGenerator<string> {
    yield 'seen/a';
    await ending.close();
    yield 'seen/b';
  };
  await expect(ending.retrieveMany(keys())).rejects.toEqual(ENDED);
});

test('whoever keeps the audit hears of each call once, allowed or not', async () => {
  rules = [{ effect: 'allow', actions: ['read'], keys: ['seen/*'] }];
  const heard: [string, string | undefined, boolean][] = [];
  const onDecision: SessionContext['onDecision'] = (call, key, { allowed }) => void heard.push([call, key, allowed]);
  const listening = session({ onDecision });
  await listening.retrieve('seen/a');
  await collect((await listening.retrieveStream('seen/a')).stream);
  await expect(listening.retrieve('hidden/a')).rejects.toEqual(DENIED);
  await listening.retrieveMany(['seen/b', 'hidden/b']);
  await expect(listening.slots.list()).rejects.toEqual(DENIED);
  expect(heard).toEqual([
    ['retrieve', 'seen/a', true],
    ['retrieveStream', 'seen/a', true],
    ['retrieve', 'hidden/a', false],
    ['retrieveMany', 'seen/b', true],
    ['retrieveMany', 'hidden/b', false],
    ['slots.list', undefined, false],
  ]);
});
