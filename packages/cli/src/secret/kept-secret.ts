import type { UnlockSecretMethod } from 'securestore';
import type { UnlockSecretSource } from './secret.ts';
import type { Unlocking } from './unlocking.ts';

/** The name of the secret that unlocks a store, and of the shares that make it, between a server and its workers. */
const UNLOCK_SECRET = 'unlock';
const UNLOCK_SHARES = 'shares';

/** The unlock secret of a store that a server gives to its workers, whenever one starts; disposing it wipes what is kept. */
export interface KeptSecret extends Disposable {
  readonly type: UnlockSecretMethod['type'];
  readonly hasShares: boolean;
  /** Fresh copies of the parts of a secret, by its name. @throws what reading it again throws */
  readonly read: (name: string) => Promise<readonly Uint8Array[]>;
}

/** Whether a secret can be read again from its source: a person who has typed one is not asked again. */
function isReadAgain(source: UnlockSecretSource): boolean {
  if (source.kind === 'passphrase') return source.from === 'file' || source.from === 'command';
  return source.kind === 'key-file' || source.kind === 'identity';
}

/**
 * Keeps what unlocks a store for as long as a server with workers runs: one that can be read again is not kept in memory.
 *
 * @param unlock not yet disposed
 */
export async function keepSecret(source: UnlockSecretSource, { method }: Unlocking): Promise<KeptSecret> {
  const { type, shares } = method;
  const about = { type, hasShares: shares !== undefined };
  const readNow = async (name: string): Promise<readonly Uint8Array[]> => {
    if (name === UNLOCK_SECRET) return [await method.secret()];
    return name === UNLOCK_SHARES ? ((await shares?.()) ?? []) : [];
  };
  if (isReadAgain(source)) return { ...about, read: readNow, [Symbol.dispose]: () => {} };
  const kept = new Map<string, readonly Uint8Array[]>();
  for (const name of [UNLOCK_SECRET, UNLOCK_SHARES]) kept.set(name, await readNow(name));
  return {
    ...about,
    read: async (name) => (kept.get(name) ?? []).map((part) => Buffer.from(part)),
    [Symbol.dispose]: () => {
      for (const parts of kept.values()) for (const part of parts) part.fill(0);
    },
  };
}

/** The way by which a worker unlocks the store: it asks the server for the secret whenever it needs it. */
export function unlockByServer(
  { type, hasShares }: Pick<KeptSecret, 'type' | 'hasShares'>,
  read: (name: string) => Promise<Buffer[]>,
): UnlockSecretMethod {
  const secret = async (): Promise<Buffer> => {
    const [only = Buffer.alloc(0)] = await read(UNLOCK_SECRET);
    return only;
  };
  return { type, secret, ...(hasShares && { shares: () => read(UNLOCK_SHARES) }) };
}
