import type { CheckpointEntry, CheckpointPage, CheckpointRoot, Head, Reference } from '@securestore/core-format';
import {
  asBuffer,
  checkpointPageName,
  decodeCheckpointPage,
  decodeCheckpointRoot,
  SecureStoreError,
  sha256,
  systemBodyKeyId,
} from '@securestore/core-format';
import { checkpointPageId, verifyAs } from '@securestore/crypto';
import type { Engine } from '../engine/engine.ts';
import { openJournalBody } from '../engine/sealed-objects.ts';

/** Domain label of the signature of a checkpoint. */
export const CHECKPOINT_USE = 'checkpoint';

/** What a former checkpoint says of digests, and one that was made from it of what it took over: nothing. */
const NO_DIGEST: Buffer = Buffer.alloc(32);

/** How a head names its checkpoint. */
export interface NamedCheckpoint {
  readonly reference: Reference;
  /** Whether digests may be others by now than it says, for the same version and commit. */
  readonly former: boolean;
}

/** The checkpoint that a head names. */
export interface LoadedCheckpoint extends NamedCheckpoint {
  readonly root: CheckpointRoot;
  /** The version of the journal key under which it and its pages are stored. */
  readonly keyId: Buffer;
}

function damaged(what: string, reason: string): never {
  throw new SecureStoreError('INTEGRITY', `${what} is damaged: ${reason}`);
}

/** Whether two heads name the same checkpoint, or none. */
export function sameReference(a: Reference | undefined, b: Reference | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.name === b.name && Buffer.compare(a.digest, b.digest) === 0;
}

/** The checkpoint that a head names, if it names one. */
export function checkpointOf({ references: { checkpoint, formerCheckpoint } }: Head): NamedCheckpoint | undefined {
  if (checkpoint !== undefined) return { reference: checkpoint, former: false };
  return formerCheckpoint && { reference: formerCheckpoint, former: true };
}

/** Whether two heads name the same checkpoint in the same way, or none. */
export function sameCheckpoint(a: NamedCheckpoint | undefined, b: NamedCheckpoint | undefined): boolean {
  return a?.former === b?.former && sameReference(a?.reference, b?.reference);
}

async function readRoot(
  engine: Engine,
  { reference, former }: NamedCheckpoint,
  signal: AbortSignal | undefined,
): Promise<LoadedCheckpoint> {
  const found = await engine.backend.read(reference.name, { signal });
  if (found === undefined) throw new SecureStoreError('INTEGRITY', 'the checkpoint of the store is missing');
  if (!sha256(found.body).equals(asBuffer(reference.digest))) {
    damaged('the checkpoint of the store', 'it is not what the head names');
  }
  const keyId = systemBodyKeyId(found.body);
  const plaintext = await openJournalBody(engine, 'checkpoint', reference.name, found.body, signal);
  const { root, signedBytes, signature } = decodeCheckpointRoot(plaintext);
  const { head } = engine.monitor.state;
  if (!verifyAs(head.identity, CHECKPOINT_USE, signedBytes, signature)) {
    damaged('the checkpoint of the store', 'its signature does not match');
  }
  if (Buffer.compare(root.instance, head.instance) !== 0) {
    damaged('the checkpoint of the store', 'it belongs to another store');
  }
  return { reference, former, root, keyId };
}

/**
 * The checkpoint that the newest known head names; `undefined` if it names none.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws
 */
export async function loadCheckpoint(engine: Engine, signal?: AbortSignal): Promise<LoadedCheckpoint | undefined> {
  for (;;) {
    const named = checkpointOf(engine.monitor.state.head);
    if (named === undefined) return undefined;
    try {
      return await readRoot(engine, named, signal);
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      // An older checkpoint is removed when another one has taken its place: then that one counts.
      await engine.monitor.refresh(signal);
      if (sameCheckpoint(checkpointOf(engine.monitor.state.head), named)) throw error;
    }
  }
}

/**
 * The entries of page `index`.
 *
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws
 */
export async function readPage(
  engine: Engine,
  { root, former }: LoadedCheckpoint,
  index: number,
  signal?: AbortSignal,
): Promise<CheckpointEntry[]> {
  const page = root.pages[index];
  if (page === undefined) throw new RangeError(`page ${index} does not exist`);
  const name = checkpointPageName(page.id);
  const what = `the page ${name} of the checkpoint`;
  const found = await engine.backend.read(name, { signal });
  if (found === undefined) throw new SecureStoreError('INTEGRITY', `${what} is missing`);
  if (!sha256(found.body).equals(asBuffer(page.digest))) damaged(what, 'it is not what the checkpoint names');
  const plaintext = await openJournalBody(engine, 'checkpointPage', name, found.body, signal);
  const key = engine.monitor.state.keys.journal.version(systemBodyKeyId(found.body));
  if (key === undefined || !checkpointPageId(key, plaintext).equals(asBuffer(page.id))) {
    damaged(what, 'its name is not that of its contents');
  }
  const entries = decodeCheckpointPage(plaintext);
  checkPlace(what, entries, page, root.pages[index + 1]);
  return former ? entries.map((entry) => ({ ...entry, digest: NO_DIGEST })) : entries;
}

function checkPlace(
  what: string,
  entries: readonly CheckpointEntry[],
  page: CheckpointPage,
  next: CheckpointPage | undefined,
): void {
  const last = entries.at(-1)?.token ?? '';
  const inPlace = entries[0]?.token === page.firstToken && (next === undefined || last < next.firstToken);
  if (entries.length !== page.count || !inPlace) damaged(what, 'its entries are not those that the checkpoint names');
}

/** The backend names of a checkpoint: of its root and its pages. Empty without one. */
export function namesOf(checkpoint: LoadedCheckpoint | undefined): Set<string> {
  if (checkpoint === undefined) return new Set();
  const { reference, root } = checkpoint;
  return new Set([reference.name, ...root.pages.map(({ id }) => checkpointPageName(id))]);
}

/** The page in which `token` is, if it is in any. */
export function pageOf({ pages }: CheckpointRoot, token: string): number | undefined {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pages[middle]?.firstToken ?? '') <= token) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : low - 1;
}
