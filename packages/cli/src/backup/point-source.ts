import { byBytes, SecureStoreError } from '@securestore/core-format';
import type { ChosenSnapshot, ExportSource, RetrievedStream, SecureStore, SnapshotChoice } from 'securestore';

/** The most names of a page. */
const PAGE = 500;

/** The objects of a point of a backup, as they are to be had of a store that is served: each is read once, which may take an approval. */
export function pointSource(
  { recoveryPoints, url }: SecureStore,
  destination: string,
  choice: SnapshotChoice,
): ExportSource & { list(prefix?: string): Promise<string[]> } {
  const open = (key: string): Promise<RetrievedStream> =>
    recoveryPoints.retrieveStream(key, { destination, ...choice });
  return {
    url,
    async list(prefix = '') {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await recoveryPoints.find({ destination, ...choice, contains: '', prefix, after, limit: PAGE });
        for (const { key, state } of page.keys) if (state === 'there') names.push(key);
        ({ after } = page);
      } while (after !== undefined);
      return names.toSorted(byBytes);
    },
    retrieveStream: <M extends object>(key: string) => open(key) as Promise<RetrievedStream<M>>,
  };
}

/**
 * Which moment of a backup is chosen, as a store that is served tells it; `undefined` if it does not tell that to whoever asks.
 *
 * @throws SecureStoreError `NOT_FOUND` if there is none
 */
export async function momentAt(
  { recoveryPoints }: SecureStore,
  destination: string,
  choice: SnapshotChoice,
  signal: AbortSignal | undefined,
): Promise<Pick<ChosenSnapshot, 'number' | 'time' | 'gap'> | undefined> {
  try {
    const { snapshot = 0, time, gap } = await recoveryPoints.browse({ destination, ...choice, limit: 1, signal });
    return { number: snapshot, time, ...(gap && { gap }) };
  } catch (error) {
    if (SecureStoreError.is(error, 'ACCESS_DENIED')) return undefined;
    throw error;
  }
}
