import { SecureStoreError } from '@securestore/core-format';
import type { DownloadRequest } from '@securestore/protocol';
import { createTarPacker } from 'modern-tar';
import type { PointRetrieveOptions, RetrievedStream, Session } from 'securestore';
import { dateIn } from '../given.ts';

type ArchiveRequest = Extract<DownloadRequest, { readonly type: 'archive' }>;

/** Names that may be listed and not read are left out; what is damaged ends it, so that nobody takes it for whole. */
const LEFT_OUT: ReadonlySet<string> = new Set(['ACCESS_DENIED', 'NOT_FOUND']);

/** The names that are meant. */
async function* namesOf(
  session: Session,
  { destination, prefix, keys }: ArchiveRequest,
  snapshot: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  if (keys !== undefined) {
    yield* keys;
    return;
  }
  let after: string | undefined;
  do {
    const page = await session.points.find({ destination, snapshot, contains: '', prefix, after, limit: 500, signal });
    for (const { key, state } of page.names) if (state === 'there') yield key;
    ({ after } = page);
  } while (after !== undefined);
}

/**
 * What an object is called in an archive. On Windows `\` divides folders and `C:` begins a path, so that a name with them could lead out of the
 * folder that it is unpacked to.
 */
function entryName(key: string): string {
  return key.replaceAll('\\', '%5C').replace(/^([A-Za-z]):/, '$1%3A');
}

async function opened(
  session: Session,
  key: string,
  options: PointRetrieveOptions,
): Promise<RetrievedStream | undefined> {
  try {
    return await session.points.retrieveStream(key, options);
  } catch (error) {
    if (SecureStoreError.is(error) && LEFT_OUT.has(error.code)) return undefined;
    throw error;
  }
}

/** The point that is meant, by its number: one that is made meanwhile changes nothing. */
async function snapshotOf(
  session: Session,
  { destination, at, snapshot }: ArchiveRequest,
  signal: AbortSignal,
): Promise<number> {
  if (snapshot !== undefined) return snapshot;
  const found = await session.points.browse({ destination, at: dateIn(at), limit: 1, signal });
  return found.snapshot ?? 0;
}

/**
 * The objects of a point as a tar, as it comes. Each is read as it is read by itself: so each is allowed and recorded by itself.
 *
 * @throws SecureStoreError what keeps it from beginning
 */
export async function archiveOf(
  session: Session,
  asked: ArchiveRequest,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const snapshot = await snapshotOf(session, asked, signal);
  const options = { destination: asked.destination, snapshot, signal };
  const { readable, controller } = createTarPacker();
  const pack = async (): Promise<void> => {
    for await (const key of namesOf(session, asked, snapshot, signal)) {
      const found = await opened(session, key, options);
      if (found === undefined) continue;
      const { info, stream } = found;
      const header = {
        name: entryName(key),
        size: info.size,
        type: 'file',
        mode: 0o600,
        mtime: info.modified,
      } as const;
      await stream.pipeTo(controller.add(header), { signal });
    }
    controller.finalize();
  };
  pack().catch((error: unknown) => controller.error(error));
  return readable;
}
