import { randomBytes, randomUUID } from 'node:crypto';
import { MemoryBackend } from '../../../packages/backend-memory/src/index.ts';
import { generateIdentity } from '../../../packages/crypto/src/index.ts';
import { EagerClock } from '../../../packages/objects/test/support/eager-clock.ts';
import {
  addPrincipal,
  createStore,
  disablePrincipal,
  grantRole,
  identity,
  openStore,
  rawKey,
  recipientOf,
  setApprovals,
  setRole,
} from '../../../packages/securestore/src/index.ts';
import type { OpenOptions, SecureStore } from '../../../packages/securestore/src/index.ts';
import { contentsOf, everything } from './contents.ts';
import type { Contents } from './contents.ts';

/** A store with members, a policy and an audit log that was made by one release and is opened by all later ones. */
export interface AuditedGolden {
  readonly format: number;
  readonly fingerprint: string;
  /** When it was made, in milliseconds since 1970: requests for approval are over later. */
  readonly made: number;
  /** The key of the owner's slot, in base64. */
  readonly unlock: string;
  /** Identities: of the two members, of one whose membership was revoked, and of the auditor. */
  readonly identities: Readonly<Record<'ann' | 'watch' | 'gone' | 'auditor', string>>;
  /** API tokens: one that is good, and one that was revoked. */
  readonly tokens: { readonly good: string; readonly revoked: string };
  /** What each sees. */
  readonly owner: Contents;
  readonly ann: { readonly names: readonly string[]; readonly values: Readonly<Record<string, string>> };
  readonly access: { readonly policy: unknown; readonly tokens: unknown; readonly requests: unknown };
  readonly members: unknown;
  readonly log: { readonly entries: readonly unknown[]; readonly segments: readonly unknown[] };
  /** What lies at the backend, by name, in base64. */
  readonly objects: Readonly<Record<string, string>>;
}

export const OTHERS = ['tokens/deleted', 'never'] as const;

/** As it is kept in a file: `Date`s as texts, bytes in base64. */
export function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, member: unknown) =>
      typeof member === 'object' && member !== null && 'type' in member && member.type === 'Buffer' && 'data' in member
        ? Buffer.from(member.data as number[]).toString('base64')
        : member,
    ),
  );
}

type Open = (more?: Partial<OpenOptions>) => Promise<SecureStore>;
type Identities = Readonly<Record<keyof AuditedGolden['identities'], Buffer>>;

async function setUp(store: SecureStore, identities: Identities): Promise<AuditedGolden['tokens']> {
  const { audit, access, members } = store;
  await audit.enable({ auditor: await recipientOf(identities.auditor), mode: 'fail-closed' });
  await store.store('tokens/api', 'first', { metadata: { owner: 'ops' } });
  await store.store('tokens/api', 'second');
  await store.store('public/motd', 'hello');
  await store.store('private/a', 'the owner alone');
  await access.change([
    setRole('reader', [
      { effect: 'allow', actions: ['read', 'list'], keys: ['tokens/**', 'public/*'] },
      { effect: 'deny', actions: ['read'], categories: ['private'] },
      { effect: 'allow', actions: ['audit.*'], expires: Date.UTC(9000, 0, 1) },
    ]),
    setRole('purger', [{ effect: 'allow', actions: ['purge'] }]),
    setRole('administrator', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('Ünal', 'user'),
    addPrincipal('robot', 'service'),
    addPrincipal('left', 'user'),
    grantRole('Ünal', 'administrator'),
    grantRole('robot', 'reader'),
    grantRole('robot', 'purger', Date.UTC(9000, 0, 1)),
    disablePrincipal('left', true),
    setApprovals([{ actions: ['purge'], keys: ['public/**'] }]),
  ]);
  const good = await access.createToken('robot', { expires: new Date('9000-01-01T00:00:00Z') });
  const bad = await access.createToken('robot');
  await access.revokeToken(bad.id);
  await members.add('ann', await recipientOf(identities.ann), { categories: ['tokens'] });
  await members.add('watch', await recipientOf(identities.watch), { areas: ['audit'] });
  await members.add('gone', await recipientOf(identities.gone), { categories: ['tokens'] });
  await members.revoke('gone');
  return { good: good.token, revoked: bad.token };
}

/** What is recorded: allowed, denied and failed, by whom it may be, with names in clear and without. */
async function attempts(store: SecureStore, token: string): Promise<void> {
  await store.store('tokens/api', 'third');
  await store.store('tokens/deleted', 'x');
  await store.delete('tokens/deleted');
  await store.storeMany([
    { key: 'public/a', data: '1' },
    { key: 'public/b', data: '2', ifVersion: 'nonsense' },
  ]);
  const session = await store.session({ token }, { requestId: 'request 7' });
  await session.retrieve('tokens/api');
  await session.retrieve('private/a').catch(() => undefined);
  await session.retrieve('tokens/none').catch(() => undefined);
  await session.purge('public/motd').catch(() => undefined);
  await session.approvals.request('purge', 'public/motd', { reason: 'it is old' });
  await store.session({ token: 'sst_no' }).catch(() => undefined);
}

async function annSees(open: Open, secret: Buffer, fingerprint: string): Promise<AuditedGolden['ann']> {
  const ann = await open({ unlock: identity(secret), fingerprint });
  await ann.store('tokens/by-ann', 'written by a member');
  const names = await ann.list();
  const values: Record<string, string> = {};
  for (const name of names) {
    const found = await ann.retrieve(name).catch((error: { readonly code: string }) => error.code);
    values[name] = typeof found === 'string' ? found : found.text();
  }
  await ann.close();
  return { names, values };
}

/** Makes one with the release at hand. */
export async function makeAudited(suite: 1 | 2): Promise<AuditedGolden> {
  const clock = new EagerClock();
  const url = `memory:${randomUUID()}`;
  const backendAt = async (): Promise<MemoryBackend> => {
    const backend = new MemoryBackend({ clock: () => clock.now() });
    await backend.init({ url, options: {} });
    return backend;
  };
  const key = randomBytes(32);
  const settings = { unlock: rawKey(key), maintenance: false, clock, anchor: false } as const;
  const open: Open = async (more) =>
    openStore(url, { ...settings, backend: new MemoryBackend({ clock: () => clock.now() }), ...more });
  const identities: Identities = {
    ann: generateIdentity(),
    watch: generateIdentity(),
    gone: generateIdentity(),
    auditor: generateIdentity(),
  };
  const categories = { tokens: ['tokens/**'], private: ['private/**'] };
  const first = await createStore(url, {
    ...settings,
    suite,
    journal: true,
    categories,
    backend: new MemoryBackend({ clock: () => clock.now() }),
    audit: { clearKeys: ['public/**'] },
  });
  const { fingerprint } = first;
  const tokens = await setUp(first, identities);
  await first.close();
  const second = await open({ audit: { clearKeys: ['public/**'] } });
  await attempts(second, tokens.good);
  // As a process that is killed leaves its segment: without an end.
  await (await open()).has('tokens/api');
  const ann = await annSees(open, identities.ann, fingerprint);
  await second.audit.enable({ auditor: await recipientOf(identities.auditor), mode: 'batched' });
  await second.checkpoint();
  const owner = await contentsOf(second, OTHERS);
  const access = {
    policy: plain(await second.access.policy()),
    tokens: plain(await second.access.tokens()),
    requests: plain(await second.access.requests()),
  };
  const members = plain(await second.members.list());
  await second.close();
  const watch = await open({ unlock: identity(identities.watch), fingerprint });
  const entries = await watch.audit.entries({ entries: 100_000 });
  const { segments } = await watch.audit.verify({ auditor: identity(identities.auditor) });
  await watch.close();
  return {
    format: 1,
    fingerprint,
    made: clock.now(),
    unlock: key.toString('base64'),
    identities: {
      ann: identities.ann.toString('latin1'),
      watch: identities.watch.toString('latin1'),
      gone: identities.gone.toString('latin1'),
      auditor: identities.auditor.toString('latin1'),
    },
    tokens,
    owner,
    ann,
    access,
    members,
    log: { entries: plain(entries) as unknown[], segments: plain(segments) as unknown[] },
    objects: await everything(await backendAt()),
  };
}
