import { randomBytes, randomUUID } from 'node:crypto';
import { MemoryBackend } from '../../../packages/backend-memory/src/index.ts';
import {
  generateIdentity,
  generateRecoveryCode,
  generateShares,
  identity,
  keyFileContents,
  keyWrapper,
  passphrase,
  rawKey,
  recipientOf,
  recoveryCode,
  shares,
} from '../../../packages/crypto/src/index.ts';
import type { UnlockMethod } from '../../../packages/crypto/src/index.ts';
import { createObjectStore, openObjectStore } from '../../../packages/objects/src/index.ts';
import type { ObjectStore, StoreSettings } from '../../../packages/objects/src/index.ts';
import { EagerClock } from '../../../packages/objects/test/support/eager-clock.ts';
import { contentsOf, everything } from './contents.ts';
import type { Contents } from './contents.ts';
import { tableWrapper } from './table-wrapper.ts';
import type { WrapperTable } from './table-wrapper.ts';

/** Which kind of store it is. */
export type Variant = Required<Pick<StoreSettings, 'suite' | 'names'>>;

/** A secret as it is kept in a file. */
export type Secret =
  | { readonly method: 'passphrase' | 'recoveryCode' | 'recipient'; readonly text: string }
  | { readonly method: 'keyFile' | 'rawKey'; readonly base64: string }
  | { readonly method: 'shares'; readonly texts: readonly string[] }
  | ({ readonly method: 'keyWrapper' } & WrapperTable);

/** A store that was made by one release and is opened by all later ones. */
export interface Golden {
  readonly format: number;
  /** Of the store: whoever opens it by what it isn't bound to has to know it. */
  readonly fingerprint: string;
  readonly unlock: readonly Secret[];
  /** Names of which a listing tells nothing. */
  readonly others: readonly string[];
  readonly contents: Contents;
  /** What lies at the backend, by name, in base64. */
  readonly objects: Readonly<Record<string, string>>;
}

const LONG = `logs/${'a rather long name '.repeat(9)}/x`;
const OTHERS = ['deleted', 'purged', 'never'] as const;
const FAR_AWAY = new Date('9000-01-01T00:00:00Z');

export function methodOf(secret: Secret): UnlockMethod {
  switch (secret.method) {
    case 'passphrase':
      return passphrase(secret.text);
    case 'recoveryCode':
      return recoveryCode(secret.text);
    case 'shares':
      return shares(secret.texts);
    case 'recipient':
      return identity(secret.text);
    case 'keyWrapper':
      return keyWrapper(tableWrapper(secret));
    case 'rawKey':
      return rawKey(Buffer.from(secret.base64, 'base64'));
    default:
      return keyFileContents(async () => Buffer.from(secret.base64, 'base64'));
  }
}

async function newSecrets(): Promise<Secret[]> {
  const made = await generateShares({ threshold: 2, count: 3 });
  return [
    { method: 'rawKey', base64: randomBytes(32).toString('base64') },
    { method: 'passphrase', text: 'correct horse battery staple' },
    { method: 'keyFile', base64: randomBytes(64).toString('base64') },
    { method: 'recoveryCode', text: generateRecoveryCode().toString('latin1') },
    { method: 'shares', texts: made.map((share) => share.toString('latin1')) },
    { method: 'recipient', text: generateIdentity().toString('latin1') },
    { method: 'keyWrapper', id: 'the key of a golden store', wraps: [] },
  ];
}

/** Everything that a store may have in it. */
async function fill(store: ObjectStore): Promise<void> {
  await store.store('db/password', 'first', { metadata: { owner: 'ops' } });
  await store.store('db/password', 'second', { metadata: { owner: 'ops', rotated: true } });
  await store.setMetadata('db/password', { owner: 'dev' });
  await store.store('tokens/api', 'a token', { expires: FAR_AWAY });
  await store.store('ä 😀/ß', 'a name beyond ASCII');
  await store.store(LONG, 'a name beyond its token');
  await store.store('empty', '');
  await store.store('large', Buffer.from('a large payload '.repeat(4400)));
  await store.store('shredded/a', 'gone with its keys');
  await store.store('deleted', 'x');
  await store.delete('deleted');
  await store.store('purged', 'x');
  await store.purge('purged');
}

async function settle(store: ObjectStore, secrets: readonly Secret[]): Promise<void> {
  const [first] = secrets.map(methodOf);
  if (first === undefined) throw new Error('no secrets');
  for (const secret of secrets.slice(1)) {
    // Whoever adds a recipient has no more than that.
    const recipient = secret.method === 'recipient' ? { recipient: await recipientOf(secret.text) } : undefined;
    await store.slots.add(recipient ?? methodOf(secret));
  }
  await store.rotateEncryptionKey(first, first, { depth: 'keys' });
  await store.store('db/password', 'after the rotation');
  await store.store('new', 'after the rotation');
  await store.encryptionKeys.destroy('shredded', { waitingPeriod: 0 });
  await store.checkpoint();
}

/** Makes a golden store with the release at hand. */
export async function makeGolden(variant: Variant): Promise<Golden> {
  const clock = new EagerClock();
  const url = `memory:${randomUUID()}`;
  const backendAt = async (): Promise<MemoryBackend> => {
    const backend = new MemoryBackend({ clock: () => clock.now() });
    await backend.init({ url, options: {} });
    return backend;
  };
  const unlock = await newSecrets();
  const [first] = unlock.map(methodOf);
  if (first === undefined) throw new Error('no secrets');
  const settings = { url, unlock: first, maintenance: false, clock } as const;
  const store = await createObjectStore({
    ...settings,
    ...variant,
    backend: await backendAt(),
    journal: true,
    categories: { tokens: ['tokens/**'], shredded: ['shredded/**'] },
  });
  await fill(store);
  await settle(store, unlock);
  await store.close();
  const again = await openObjectStore({ ...settings, backend: await backendAt() });
  const contents = await contentsOf(again, OTHERS);
  const { fingerprint } = again;
  await again.close();
  return { format: 1, fingerprint, unlock, others: OTHERS, contents, objects: await everything(await backendAt()) };
}
