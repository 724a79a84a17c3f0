import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Download, DownloadRequest } from '@securestore/protocol';
import { createTarPacker } from 'modern-tar';
import type { RecoveryPointRetrieveOptions, RetrievedStream, Session } from 'securestore';
import { dateIn } from '../request/body-values.ts';

type ArchiveRequest = Extract<DownloadRequest, { readonly type: 'archive' }>;

/** Names that may be listed and not read are left out; what is damaged ends it, so that nobody takes it for whole. */
const LEFT_OUT: ReadonlySet<string> = new Set(['ACCESS_DENIED', 'NOT_FOUND']);

/** The names that are meant. */
async function* namesOf(
  session: Session,
  { destination, prefix, keys }: ArchiveRequest,
  moment: Pick<RecoveryPointRetrieveOptions, 'at' | 'snapshot'>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  if (keys !== undefined) {
    yield* keys;
    return;
  }
  let after: string | undefined;
  do {
    const page = await session.recoveryPoints.find({
      destination,
      ...moment,
      contains: '',
      prefix,
      after,
      limit: 500,
      signal,
    });
    for (const { key, state } of page.keys) if (state === 'there') yield key;
    ({ after } = page);
  } while (after !== undefined);
}

/**
 * What an object is called in an archive. On Windows `\` divides folders and `C:` begins a path, so that a name with them could lead out of the
 * folder that it is unpacked to. A name that has what stands for them already is told apart by its `%`, so that no two objects are called the
 * same.
 */
function entryName(key: string): string {
  return key
    .replaceAll(/%(?=5C|3A|25)/g, '%25')
    .replaceAll('\\', '%5C')
    .replace(/^([A-Za-z]):/, '$1%3A');
}

/** What is meant, so that a point that is made meanwhile changes nothing. */
async function momentOf(
  session: Session,
  { destination, at, snapshot }: ArchiveRequest,
  signal: AbortSignal,
): Promise<Pick<RecoveryPointRetrieveOptions, 'at' | 'snapshot'>> {
  if (snapshot !== undefined) return { snapshot };
  const found = await session.recoveryPoints.browse({ destination, at: dateIn(at), limit: 1, signal });
  return at === undefined ? { snapshot: found.snapshot } : { at: found.time };
}

/**
 * The objects of a point as a tar, as it comes. Each is read as it is read by itself: so each is allowed and recorded by itself. Where some are
 * left out, a file in it says which.
 *
 * @throws SecureStoreError what keeps it from beginning, which is also that there is nothing to be in it: `ACCESS_DENIED`, `NOT_FOUND`
 */
export async function archiveOf(
  session: Session,
  asked: ArchiveRequest,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const moment = await momentOf(session, asked, signal);
  const options = { destination: asked.destination, ...moment, signal };
  const leftOut = new LeftOut();
  const objects = readable(session, namesOf(session, asked, moment, signal), options, leftOut);
  const first = await objects.next();
  if (first.done === true) throw nothingIn(leftOut.count);
  const { readable: archive, controller } = createTarPacker();
  const pack = async (): Promise<void> => {
    for (let next: IteratorResult<Readable, void> = first; next.done !== true; next = await objects.next()) {
      const { key, info, stream } = next.value;
      await stream.pipeTo(controller.add(headerOf(entryName(key), info.size, info.modified)), { signal });
    }
    if (leftOut.count > 0) {
      const note = Buffer.from(leftOut.text());
      const entry = controller.add(headerOf(leftOut.fileName, note.length, new Date())).getWriter();
      await entry.write(note);
      await entry.close();
    }
    controller.finalize();
  };
  pack().catch((error: unknown) => controller.error(error));
  return archive;
}

type Readable = RetrievedStream & { readonly key: string };

/** The objects that may be read, one after the other. */
async function* readable(
  session: Session,
  names: AsyncIterable<string>,
  options: RecoveryPointRetrieveOptions,
  leftOut: LeftOut,
): AsyncGenerator<Readable, void> {
  for await (const key of names) {
    try {
      yield { key, ...(await session.recoveryPoints.retrieveStream(key, options)) };
    } catch (error) {
      if (!SecureStoreError.is(error) || !LEFT_OUT.has(error.code)) throw error;
      if (error.code === 'ACCESS_DENIED') leftOut.add(key);
    }
  }
}

function headerOf(
  name: string,
  size: number,
  mtime: Date,
): Parameters<ReturnType<typeof createTarPacker>['controller']['add']>[0] {
  return { name, size, type: 'file', mode: 0o600, mtime };
}

/** How many names are told of what is left out. */
const MAX_NAMED = 1000;

/** What there was, and may not be read. */
class LeftOut {
  readonly #names: string[] = [];
  /** Drawn, so that no object has it. */
  readonly fileName = `left-out-${randomBytes(4).toString('hex')}.txt`;
  count = 0;

  add(key: string): void {
    this.count += 1;
    if (this.#names.length < MAX_NAMED) this.#names.push(key);
  }

  text(): string {
    const more = this.count - this.#names.length;
    return [
      `${this.count === 1 ? 'One object is' : `${this.count} objects are`} not in this archive: whoever made it may not read ${this.count === 1 ? 'it' : 'them'}.`,
      '',
      ...this.#names,
      ...(more > 0 ? [`and ${more} more`] : []),
      '',
    ].join('\n');
  }
}

function nothingIn(leftOut: number): SecureStoreError {
  if (leftOut === 0) return new SecureStoreError('NOT_FOUND', 'no chosen object existed at that time');
  const which = leftOut === 1 ? 'the one chosen object' : `any of the ${leftOut} chosen objects`;
  return new SecureStoreError('ACCESS_DENIED', `read is not allowed on ${which}`, {
    advice: [{ id: 'ask-for-permission', action: 'read' }],
  });
}

/** How many names are looked at before a download begins. */
const MAX_LOOKED_AT = 5000;

/**
 * What an archive will hold and leave out; nothing where it would take long to say.
 *
 * @throws SecureStoreError where nothing would be in it: `ACCESS_DENIED`, `NOT_FOUND`
 */
export async function outlookOf(
  session: Session,
  asked: ArchiveRequest,
  signal: AbortSignal,
): Promise<Pick<Download, 'objects' | 'leftOut'>> {
  let [objects, leftOut] = [0, 0];
  const moment = await momentOf(session, asked, signal);
  for await (const key of namesOf(session, asked, moment, signal)) {
    if (objects + leftOut >= MAX_LOOKED_AT) return {};
    // What takes an approval may have one.
    if ((await session.permission('read', key, { signal })) === 'denied') leftOut += 1;
    else objects += 1;
  }
  if (objects === 0) throw nothingIn(leftOut);
  return { objects, leftOut };
}
