import { Readable } from 'node:stream';
import { randomBytes } from 'node:crypto';
import type { ItemResult } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { createStore, rawKey } from 'securestore';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  AccessSettings,
  Action,
  ActionPattern,
  ApprovalRule,
  Rule,
  PlannedOperation,
  Session,
  SessionCall,
  StoreAdministration,
} from '../src/index.ts';
import {
  ADMINISTRATION,
  AccessControl,
  SURFACE,
  aboutOf,
  addPrincipal,
  disablePrincipal,
  grantRole,
  guardAdministration,
  isObjectAction,
  setApprovals,
  setRole,
} from '../src/index.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const KEY = 'secret/a';

/** How it stands with the right that a call takes. */
const OUTCOMES = [
  'allowed',
  'denied by default',
  'denied by a rule',
  'of an expired grant',
  'of an expired rule',
  'of a disabled principal',
  'for another category',
  'for another key',
  'not approved yet',
  'approved',
] as const;
type Outcome = (typeof OUTCOMES)[number];

/** What comes of it. Of listings, that the name is not in it. */
type Expected = 'done' | 'hidden' | 'ACCESS_DENIED' | 'INVALID_ARGUMENT';

const DENIED: Readonly<Record<Exclude<Outcome, 'allowed'>, Expected>> = {
  'denied by default': 'ACCESS_DENIED',
  'denied by a rule': 'ACCESS_DENIED',
  'of an expired grant': 'ACCESS_DENIED',
  'of an expired rule': 'ACCESS_DENIED',
  'of a disabled principal': 'ACCESS_DENIED',
  'for another category': 'ACCESS_DENIED',
  'for another key': 'ACCESS_DENIED',
  'not approved yet': 'ACCESS_DENIED',
  approved: 'ACCESS_DENIED',
};

type Row = Readonly<Record<Outcome, Expected>>;
const ORDINARY: Row = { ...DENIED, allowed: 'done', approved: 'done' };
const LISTING: Row = {
  allowed: 'done',
  'denied by default': 'hidden',
  'denied by a rule': 'hidden',
  'of an expired grant': 'hidden',
  'of an expired rule': 'hidden',
  'of a disabled principal': 'hidden',
  'for another category': 'hidden',
  'for another key': 'hidden',
  // A listing asks for no approval, and uses none up.
  'not approved yet': 'hidden',
  approved: 'hidden',
};
/** What takes no approval can't be asked for. */
const ASKING: Row = { ...DENIED, allowed: 'INVALID_ARGUMENT', 'not approved yet': 'done', approved: 'done' };
/** Approving takes no approval. */
const DECIDING: Row = { ...ORDINARY, 'not approved yet': 'done' };
/** Everybody may see what they have asked for themselves. */
const OWN: Row = { ...LISTING, ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 'done'])) };

interface Use {
  readonly session: Session;
  /** The store itself. */
  readonly store: SecureStore;
  readonly access: AccessControl;
}

interface Entry {
  readonly expected: Row;
  /** What it takes; by default what the tables of the package say. */
  readonly actions?: readonly Action[];
  readonly run: (use: Use) => Promise<unknown>;
}

function seen(names: readonly string[]): void {
  if (!names.includes(KEY)) throw new Error('hidden');
}

function unwrap<T>([result]: readonly ItemResult<T>[]): void {
  if (result !== undefined && !result.ok) throw result.error;
}

/** A request of somebody else for the same object. */
async function othersRequest({ access }: Use): Promise<string> {
  const { approvals = [] } = await access.policy();
  await access.change(setApprovals([{ actions: ['purge'], keys: [KEY] }, ...approvals]));
  const other = await access.session({ principal: 'other' });
  return (await other.approvals.request('purge', KEY)).id;
}

const key = Buffer.alloc(32);
const ordinary = (call: (session: Session) => PromiseLike<unknown>): Entry => ({
  expected: ORDINARY,
  run: async ({ session }) => call(session),
});

const managing = (call: (session: Session) => PromiseLike<unknown>): Entry => ({
  ...ordinary(call),
  actions: ['backup', 'backup.manage'],
});

/** One use of every call of a session. A call that is missing does not compile, and fails a test. */
const CALLS: Readonly<Record<SessionCall, Entry>> = {
  store: ordinary((session) => session.store(KEY, 'x')),
  storeMany: ordinary(async (session) => unwrap(await session.storeMany([{ key: KEY, data: 'x' }]))),
  setMetadata: ordinary((session) => session.setMetadata(KEY, {})),
  retrieve: ordinary((session) => session.retrieve(KEY)),
  retrieveMany: ordinary(async (session) => unwrap(await session.retrieveMany([KEY]))),
  retrieveStream: ordinary(async (session) => Array.fromAsync((await session.retrieveStream(KEY)).stream)),
  info: ordinary((session) => session.info(KEY)),
  matches: ordinary((session) => session.matches(KEY, 'x')),
  has: ordinary((session) => session.has(KEY)),
  history: ordinary((session) => session.history(KEY)),
  delete: ordinary((session) => session.delete(KEY)),
  purge: ordinary((session) => session.purge(KEY)),
  undelete: {
    expected: ORDINARY,
    run: async ({ session, store: owners }) => {
      await owners.delete(KEY);
      return session.undelete(KEY);
    },
  },
  restoreVersion: {
    expected: ORDINARY,
    run: async ({ session, store: owners }) =>
      session.restoreVersion(KEY, (await owners.history(KEY))[0]?.version ?? ''),
  },
  list: { expected: LISTING, run: async ({ session }) => seen(await session.list()) },
  keys: { expected: LISTING, run: async ({ session }) => seen(await Array.fromAsync(session.keys())) },
  entries: {
    expected: LISTING,
    actions: ['list', 'read'],
    run: async ({ session }) => seen(await Array.fromAsync(session.entries(), (entry) => entry.key)),
  },
  rotateEncryptionKey: ordinary((session) => session.rotateEncryptionKey(key, key)),
  checkpoint: ordinary((session) => session.checkpoint()),
  gc: ordinary((session) => session.gc()),
  verify: ordinary((session) => session.verify()),
  health: ordinary((session) => session.health()),
  scrub: ordinary((session) => session.scrub()),
  // Nothing is registered here.
  backup: managing((session) => session.backup('nowhere')),
  restore: {
    expected: ORDINARY,
    actions: ['restore', 'restore.replace'],
    run: async ({ session }) => session.restore('nowhere'),
  },
  'backups.windows': ordinary((session) => session.backups.windows('nowhere')),
  'backups.list': ordinary((session) => session.backups.list('nowhere')),
  'backups.verify': ordinary((session) => session.backups.verify('nowhere')),
  'backups.drill': ordinary((session) => session.backups.drill('nowhere')),
  'backups.destinations': ordinary((session) => session.backups.destinations()),
  'backups.register': ordinary((session) => session.backups.register('nowhere')),
  'backups.setRetention': ordinary((session) => session.backups.setRetention('nowhere', { last: 1 })),
  'backups.forget': ordinary((session) => session.backups.forget('nowhere', () => [])),
  'backups.retain': managing((session) => session.backups.retain('nowhere')),
  'backups.unregister': ordinary((session) => session.backups.unregister('nowhere')),
  'backups.endRestore': ordinary((session) => session.backups.endRestore()),
  'backups.restoreStore': {
    ...ordinary((session) => session.backups.restoreStore('nowhere', 'elsewhere')),
    actions: ['restore', 'backup.manage'],
  },
  'recoveryPoints.destinations': ordinary((session) => session.recoveryPoints.destinations()),
  'recoveryPoints.timeline': ordinary((session) => session.recoveryPoints.timeline('nowhere')),
  // What of the names in them may be seen, the tests of points show.
  'recoveryPoints.browse': ordinary((session) => session.recoveryPoints.browse({})),
  'recoveryPoints.find': ordinary((session) => session.recoveryPoints.find({ contains: 'a' })),
  'recoveryPoints.compare': ordinary((session) => session.recoveryPoints.compare({ destination: 'nowhere', from: {} })),
  'recoveryPoints.versions': {
    ...ordinary((session) => session.recoveryPoints.versions(KEY)),
    actions: ['backup.view', 'history'],
  },
  'recoveryPoints.retrieveStream': {
    ...ordinary((session) => session.recoveryPoints.retrieveStream(KEY, { destination: 'nowhere' })),
    actions: ['backup.view', 'read', 'history'],
  },
  'recoveryPoints.receipts': ordinary((session) => session.recoveryPoints.receipts('nowhere')),
  'schedules.list': ordinary((session) => session.schedules.list()),
  'schedules.add': managing((session) =>
    session.schedules.add({ id: 'nightly', cron: '@daily', task: 'backup', destination: 'nowhere' }),
  ),
  'schedules.remove': ordinary((session) => session.schedules.remove('nightly')),
  'schedules.conditions': ordinary((session) => session.schedules.conditions()),
  'slots.list': ordinary((session) => session.slots.list()),
  'slots.add': ordinary((session) => session.slots.add(key)),
  'slots.remove': ordinary((session) => session.slots.remove('id')),
  'encryptionKeys.list': ordinary((session) => session.encryptionKeys.list()),
  'encryptionKeys.usage': ordinary((session) => session.encryptionKeys.usage()),
  'encryptionKeys.destroy': ordinary((session) => session.encryptionKeys.destroy('id')),
  'encryptionKeys.undo': ordinary((session) => session.encryptionKeys.undo('id')),
  'encryptionKeys.destroyDue': ordinary((session) => session.encryptionKeys.destroyDue()),
  'settings.get': ordinary((session) => session.settings.get()),
  'settings.change': ordinary((session) => session.settings.change({})),
  'jobs.list': ordinary((session) => session.jobs.list()),
  'jobs.resume': ordinary((session) => session.jobs.resume('id')),
  'jobs.cancel': ordinary((session) => session.jobs.cancel('id')),
  'jobs.forget': ordinary((session) => session.jobs.forget('id')),
  'access.policy': ordinary((session) => session.access.policy()),
  'access.explain': ordinary((session) => session.access.explain('alice', 'read', KEY)),
  'access.tokens': ordinary((session) => session.access.tokens()),
  'access.requests': ordinary((session) => session.access.requests()),
  'access.change': ordinary((session) => session.access.change([])),
  'access.createToken': ordinary((session) => session.access.createToken('alice')),
  'access.revokeToken': ordinary((session) => session.access.revokeToken('id')),
  'members.list': ordinary((session) => session.members.list()),
  'members.add': ordinary((session) => session.members.add('bob', 'SSRP1', { categories: ['default'] })),
  'members.revoke': ordinary((session) => session.members.revoke('bob')),
  'members.revokeAll': ordinary((session) => session.members.revokeAll()),
  'audit.entries': ordinary((session) => session.audit.entries()),
  'audit.tail': {
    expected: ORDINARY,
    actions: ['audit.view'],
    run: ({ session }) => Array.fromAsync(session.audit.tail()),
  },
  'audit.verify': ordinary((session) => session.audit.verify({ auditor: [] })),
  'audit.examine': ordinary((session) => session.audit.examine()),
  'audit.enable': ordinary((session) => session.audit.enable({ auditor: 'SSRP1' })),
  'audit.state': ordinary((session) => session.audit.state()),
  'audit.disable': ordinary((session) => session.audit.disable()),
  'approvals.request': {
    expected: ASKING,
    actions: ['purge'],
    run: ({ session }) => session.approvals.request('purge', KEY),
  },
  'approvals.list': { expected: OWN, actions: ['approve'], run: ({ session }) => session.approvals.list() },
  'approvals.approve': {
    expected: DECIDING,
    actions: ['approve'],
    run: async (use) => use.session.approvals.approve(await othersRequest(use)),
  },
  'approvals.deny': {
    expected: DECIDING,
    actions: ['approve'],
    run: async (use) => use.session.approvals.deny(await othersRequest(use)),
  },
};

function actionsOf(call: SessionCall): readonly Action[] {
  const { actions } = CALLS[call];
  return actions ?? [{ ...SURFACE, ...ADMINISTRATION }[call as keyof typeof SURFACE | keyof typeof ADMINISTRATION]];
}

/** An administration of which every call is done at once, and is written down. */
function recorded(reached: string[]): StoreAdministration {
  const made: Record<string, unknown> = {};
  for (const call of Object.keys(ADMINISTRATION)) {
    const [first = '', second] = call.split('.');
    const done = (...given: readonly unknown[]): object => {
      const { dryRun, onChange } = Object(given[1]) as { dryRun?: boolean; onChange?: (change: object) => boolean };
      if (call === 'restore' && dryRun === true) {
        onChange?.({ key: KEY, type: 'replace', from: 'then', before: 'now' });
        return Promise.resolve({ skipped: 0, conflicts: [] });
      }
      reached.push(call);
      if (call === 'recoveryPoints.retrieveStream') {
        // What is not read was looked at alone.
        const cancel = (): void => void reached.splice(reached.lastIndexOf(call), 1);
        return Promise.resolve({ info: { version: 'then' }, stream: new ReadableStream({ cancel }) });
      }
      if (call === 'access.policy') return Promise.resolve({ roles: [], principals: [] });
      if (call === 'access.requests' || call === 'backups.list') return Promise.resolve([]);
      return Object.assign(Promise.resolve(call), { id: call, progress: [], cancel: () => {} });
    };
    if (second === undefined) made[first] = done;
    else made[first] = { ...(made[first] as object | undefined), [second]: done };
  }
  const tail = (): AsyncIterable<unknown> => {
    reached.push('audit.tail');
    return Readable.from([]);
  };
  made['audit'] = { ...(made['audit'] as object), tail };
  return made as unknown as StoreAdministration;
}

type Heard = Parameters<NonNullable<AccessSettings['onDecision']>>;

interface Scene extends Use {
  readonly reached: string[];
  /** What whoever keeps the audit was told. */
  readonly heard: Heard[];
}

async function begin(): Promise<Scene> {
  const opened = await createStore('memory:', {
    unlock: rawKey(randomBytes(32)),
    maintenance: false,
    categories: { secret: ['secret/**'] },
  });
  onTestFinished(async () => opened.close());
  await opened.store(KEY, 'x');
  const reached: string[] = [];
  const heard: Heard[] = [];
  const house = { name: 'house', authenticate: async (credentials: unknown) => credentials as { principal: string } };
  const access = new AccessControl(opened, extensionsOf(opened).policy, {
    authenticators: [house],
    administration: recorded(reached),
    onDecision: (...decision) => void heard.push(decision),
  });
  await access.change([
    setRole('role', []),
    setRole('other', [{ effect: 'allow', actions: ['*'] }]),
    ...['alice', 'other'].map((name) => addPrincipal(name, 'user')),
    grantRole('alice', 'role'),
    grantRole('other', 'other'),
  ]);
  const session = await access.session({ principal: 'alice' });
  return { session, store: opened, access, reached, heard };
}

/** What a call is given, as it is described for its approval. */
async function operationOf(call: SessionCall, use: Use): Promise<{ operation?: PlannedOperation }> {
  if (!(call in ADMINISTRATION)) return {};
  const of = call as PlannedOperation['call'];
  if (of === 'access.change') return { operation: { call: of, about: { policies: [] } } };
  let about = {};
  const session = guardAdministration(undefined, async ({ call: asked, given }) => {
    if (asked === of) about = aboutOf(asked, given);
    throw new Error('it is only asked what it is given');
  });
  await CALLS[call].run({ ...use, session: session as unknown as Session }).catch(() => undefined);
  // Which ones are chosen shows only when it is asked what there is.
  return { operation: { call: of, about: of === 'backups.forget' ? { ...about, snapshots: [] } : about } };
}

/** Brings about an outcome for what takes `actions`. */
async function arrange(scene: Scene, outcome: Outcome, call: SessionCall): Promise<void> {
  const { access, session } = scene;
  const actions = actionsOf(call);
  const onObject = actions.some((action) => isObjectAction(action) || action === 'approve');
  const all: Rule = { effect: 'allow', actions: ['*'] };
  const needed: readonly ActionPattern[] = actions;
  const rules: Readonly<Record<Outcome, readonly Rule[]>> = {
    allowed: [
      { effect: 'allow', actions: needed, ...(onObject ? { keys: [KEY], categories: ['secret'] } : {}) },
      // What a call about an object takes on the whole store has no keys.
      { effect: 'allow', actions: needed.filter((action) => action === 'backup.view') },
    ].filter(({ actions: some }) => some.length > 0) as Rule[],
    'denied by default': [],
    'denied by a rule': [all, { effect: 'deny', actions: needed }],
    'of an expired grant': [all],
    'of an expired rule': [{ ...all, expires: Date.now() }],
    'of a disabled principal': [all],
    'for another category': [{ ...all, categories: ['default'] }],
    'for another key': [{ ...all, keys: ['secret/b', 'other/**'] }],
    'not approved yet': [all],
    approved: [all],
  };
  await access.change(setRole('role', rules[outcome]));
  if (outcome === 'of an expired grant') await access.change(grantRole('alice', 'role', Date.now()));
  if (outcome === 'of a disabled principal') await access.change(disablePrincipal('alice', true));
  if (outcome !== 'not approved yet' && outcome !== 'approved') return;
  const special = needed.filter((action) => action !== 'approve');
  const approvals: ApprovalRule[] = special.length === 0 ? [{ actions: ['*'] }] : [{ actions: special }];
  await access.change(setApprovals(approvals));
  if (outcome !== 'approved') return;
  // What is undeleted is approved as it is then.
  if (call === 'undelete') await scene.store.delete(KEY);
  const described = await operationOf(call, scene);
  const which = call === 'restoreVersion' ? { version: (await scene.store.history(KEY))[0]?.version } : {};
  for (const action of actions.filter((one) => one !== 'approve')) {
    const name = onObject && action !== 'backup.view' ? KEY : undefined;
    await access.approve((await session.approvals.request(action, name, { ...described, ...which })).id);
  }
}

/** In a short run what is allowed, and one of the others: each with another call. Each call is denied at least once. */
function outcomesOf(call: SessionCall): readonly Outcome[] {
  if (LONG) return OUTCOMES;
  const others = OUTCOMES.filter((outcome) => outcome !== 'allowed');
  const other = others[Object.keys(CALLS).indexOf(call) % others.length] ?? 'denied by default';
  const denied: readonly Outcome[] = CALLS[call].expected[other] === 'done' ? ['denied by default'] : [];
  return [...new Set<Outcome>(['allowed', ...denied, other])];
}

describe.each(Object.keys(CALLS) as SessionCall[])('%s', (call) => {
  const { expected, run } = CALLS[call];

  // T-CALLER-02
  test.each(outcomesOf(call))('where the right is %s', async (outcome) => {
    const scene = await begin();
    await arrange(scene, outcome, call);
    scene.reached.length = 0;
    const before = await scene.store.history(KEY);
    const { length: waiting } = await scene.access.requests();
    scene.heard.length = 0;
    const result = await run(scene).then(
      () => 'done',
      (error: unknown) => (SecureStoreError.is(error) ? error.code : String(error).replace('Error: ', '')),
    );
    expect(result).toBe(expected[outcome]);
    const administrative = call in ADMINISTRATION || call === 'audit.tail';
    // What is looked at to find out what would be done is not what was called.
    const looks = ['access.policy', 'backups.list', 'settings.get'];
    const reached = scene.reached.filter((one) => one === call || !looks.includes(one));
    expect(reached).toEqual(administrative && result === 'done' ? [call] : []);
    if (result !== 'done' && call !== 'undelete') expect(await scene.store.history(KEY)).toEqual(before);
    // An approval is used up by what it was for, and by nothing else.
    if (outcome === 'approved' && expected === ORDINARY)
      expect(await scene.access.requests()).toHaveLength(call === 'info' || call === 'matches' ? 1 : 0);
    const own = scene.heard.filter(([principal]) => principal === 'alice');
    const told = own.map(([, of, , { allowed }]) => [of, allowed]);
    if (expected === LISTING || expected === OWN) expect(told).toEqual([]);
    else {
      // What takes an approval on the store and one on an object is told of each.
      const each = [...new Map(told.map((one) => [String(one), one])).values()];
      expect(each).toEqual([[call, result === 'done' || expected[outcome] === 'INVALID_ARGUMENT']]);
      expect(told).toHaveLength(call.startsWith('recoveryPoints.') && outcome === 'approved' ? told.length : 1);
    }
    const approvals = actionsOf(call)
      .filter((action) => action !== 'approve')
      .map(() => ({ principal: 'alice' }));
    if (expected === ORDINARY && (outcome === 'not approved yet' || outcome === 'approved'))
      expect({
        ...own[0]?.[3],
        ...(outcome === 'approved' && { approvals: own.flatMap(([, , , decision]) => decision.approvals ?? []) }),
      }).toMatchObject(outcome === 'approved' ? { reason: 'rule', approvals } : { reason: 'no approval' });
    if (expected === LISTING) expect(await scene.access.requests()).toHaveLength(waiting);
  });
});

/** What does nothing with the store: it ends the session, or tells what may be done. */
const NO_CALLS: ReadonlySet<string> = new Set(['constructor', 'close', 'allows', 'check', 'permission']);

/** The names of all functions that a session has, apart from {@link NO_CALLS}. */
function functionsOf(session: Session): string[] {
  const own = Object.entries(session).flatMap(([name, value]: [string, unknown]) => {
    const members = Object.keys(value as object).map((member) => `${name}.${member}`);
    return typeof value === 'function' ? [name, ...members] : members;
  });
  const inherited = new Set<string>();
  for (let at: unknown = Object.getPrototypeOf(session); at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === 'function') inherited.add(name);
  }
  return [...own, ...inherited].filter((name) => !NO_CALLS.has(name));
}

test("an attempt to approve one's own is told as what it is", async () => {
  const scene = await begin();
  await arrange(scene, 'not approved yet', 'purge');
  const { id } = await scene.session.approvals.request('purge', KEY);
  scene.heard.length = 0;
  await expect(scene.session.approvals.approve(id)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(scene.heard).toMatchObject([['alice', 'approvals.approve', KEY, { allowed: false, reason: 'own request' }]]);
});

// T-CALLER-02
test('a session has no call but these', async () => {
  const { session } = await begin();
  expect(functionsOf(session).toSorted()).toEqual(Object.keys(CALLS).toSorted());
});

test('what may be done is told without doing it, and not once the session has ended', async () => {
  const { session, heard } = await begin();
  const before = heard.length;
  expect(await session.allows('purge', KEY)).toBe(false);
  await expect(session.allows('purge')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(session.allows('nonsense' as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(heard.length).toBe(before);
  await session.close();
  await expect(session.allows('purge', KEY)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

// T-CALLER-02
test('a table in which a call has no action does not compile', () => {
  const { 'slots.add': _slots, ...administration } = ADMINISTRATION;
  const { purge: _purge, ...surface } = SURFACE;
  // @ts-expect-error slots.add has no action
  const first: typeof ADMINISTRATION = administration;
  // @ts-expect-error purge has no action
  const second: typeof SURFACE = surface;
  expect([first, second].map((table) => Object.keys(table).length)).toEqual([
    Object.keys(ADMINISTRATION).length - 1,
    Object.keys(SURFACE).length - 1,
  ]);
});
