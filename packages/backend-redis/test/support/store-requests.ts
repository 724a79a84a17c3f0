import { randomBytes } from 'node:crypto';
import { type OpenOptions, type SecureStore, openStore, rawKey } from 'securestore';

const MIB: number = 2 ** 20;

/** What a store asks of a server, as the server or somebody in front of it has counted it. */
export interface Requests {
  readonly newObject: number;
  readonly retrieve: number;
  readonly overwrite: number;
  /** With `ifVersion`, of an object that this process knows. */
  readonly conditional: number;
  /** With `ifVersion`, of an object that this process has not seen. */
  readonly conditionalUnseen: number;
  readonly delete: number;
  /** Of a large object, 64 MiB: its parts, and its record. */
  readonly streamedIn: number;
  readonly streamedOut: number;
}

/** Where a mutation is one batch. */
export const WITH_BATCHES: Requests = {
  newObject: 1,
  retrieve: 1,
  overwrite: 1,
  conditional: 1,
  conditionalUnseen: 2,
  delete: 1,
  streamedIn: 18,
  streamedOut: 18,
};

/** Where what is replaced is copied to the history first. */
export const WITHOUT_BATCHES: Requests = {
  ...WITH_BATCHES,
  overwrite: 2,
  conditional: 2,
  conditionalUnseen: 3,
  delete: 2,
};

/** A clock that stands still, so that nothing is asked beside what is called for, such as for a newer head. */
function standingClock(): NonNullable<OpenOptions['clock']> {
  const [now, uptime] = [Date.now(), performance.now()];
  return {
    now: () => now,
    uptime: () => uptime,
    sleep: async (_, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
  };
}

async function* pieces(bytes: number): AsyncGenerator<Uint8Array> {
  const piece = randomBytes(MIB);
  for (let sent = 0; sent < bytes; sent += MIB) yield piece;
}

/** Counts the requests of a store at `url`. @param count - how many there were so far, of anybody */
export async function requestsOf(
  url: string,
  count: () => number | Promise<number>,
  options: Omit<OpenOptions, 'unlock'> = {},
): Promise<Requests> {
  const unlock = rawKey(Buffer.alloc(32, 7));
  const clock = standingClock();
  const open = async (): Promise<SecureStore> =>
    openStore(url, { ...options, unlock, clock, create: true, maintenance: false });
  await using store = await open();
  await using other = await open();
  // The first write of a process may introduce it.
  await store.store('first', 'x');
  await other.store('second', 'x');
  const during = async (call: () => Promise<unknown>): Promise<number> => {
    const before = await count();
    await call();
    return (await count()) - before;
  };
  const newObject = await during(async () => store.store('small', 'x'));
  const retrieve = await during(async () => store.retrieve('small'));
  const overwrite = await during(async () => store.store('small', 'y'));
  const { version } = await store.info('small');
  const conditional = await during(async () => store.store('small', 'z', { ifVersion: version }));
  const { version: unseen } = await store.info('first');
  const conditionalUnseen = await during(async () => other.store('first', 'y', { ifVersion: unseen }));
  const deleted = await during(async () => store.delete('small'));
  const streamedIn = await during(async () => store.store('large', pieces(64 * MIB)));
  const streamedOut = await during(async () => {
    const { stream } = await store.retrieveStream('large');
    for await (const piece of stream) if (piece.length === 0) throw new Error('an empty piece');
  });
  return { newObject, retrieve, overwrite, conditional, conditionalUnseen, delete: deleted, streamedIn, streamedOut };
}
