import { byBytes, SecureStoreError } from '@securestore/core-format';
import type { ChosenSnapshot, ExportSource, RetrievedStream, SecureStore, SnapshotChoice } from 'securestore';

/** The most names of a page. */
const PAGE = 500;

/** The objects of a point of a backup, as they are to be had of a store that is served. */
export function pointSource(
  { points, location }: SecureStore,
  destination: string,
  choice: SnapshotChoice,
): ExportSource & { list(prefix?: string): Promise<string[]> } {
  const open = (key: string): Promise<RetrievedStream> => points.retrieveStream(key, { destination, ...choice });
  return {
    location,
    async list(prefix = '') {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await points.find({ destination, ...choice, contains: '', prefix, after, limit: PAGE });
        for (const { key, state } of page.names) if (state === 'there') names.push(key);
        ({ after } = page);
      } while (after !== undefined);
      return names.toSorted(byBytes);
    },
    async info<M extends object>(key: string) {
      const { info, stream } = await open(key);
      await stream.cancel();
      return info as RetrievedStream<M>['info'];
    },
    retrieveStream: <M extends object>(key: string) => open(key) as Promise<RetrievedStream<M>>,
    async matches(key, data) {
      const { stream } = await open(key);
      return isSame(stream, data as AsyncIterable<Uint8Array>);
    },
  };
}

/**
 * Which moment of a backup is chosen, as a store that is served tells it; `undefined` if it does not tell that to whoever asks.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is none
 */
export async function momentAt(
  { points }: SecureStore,
  destination: string,
  choice: SnapshotChoice,
  signal: AbortSignal | undefined,
): Promise<Pick<ChosenSnapshot, 'number' | 'time' | 'gap'> | undefined> {
  try {
    const { snapshot = 0, time, gap } = await points.browse({ destination, ...choice, limit: 1, signal });
    return { number: snapshot, time, ...(gap && { gap }) };
  } catch (error) {
    if (SecureStoreError.is(error, 'ACCESS_DENIED')) return undefined;
    throw error;
  }
}

/** Whether two sources give the same bytes, however these are cut. */
async function isSame(one: AsyncIterable<Uint8Array>, other: AsyncIterable<Uint8Array>): Promise<boolean> {
  const [a, b] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  let [left, right] = [Buffer.alloc(0), Buffer.alloc(0)];
  try {
    for (;;) {
      if (left.length === 0) left = Buffer.from((await nextOf(a)) ?? []);
      if (right.length === 0) right = Buffer.from((await nextOf(b)) ?? []);
      const length = Math.min(left.length, right.length);
      if (length === 0) return left.length === right.length;
      if (!left.subarray(0, length).equals(right.subarray(0, length))) return false;
      [left, right] = [left.subarray(length), right.subarray(length)];
    }
  } finally {
    await Promise.all([a.return?.(), b.return?.()]);
  }
}

/** What comes next and is not empty; `undefined` at the end. */
async function nextOf(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return undefined;
    if (value.length > 0) return value;
  }
}
