import type { ListEntry } from '@securestore/backend-api';
import type { StoreKey } from '@securestore/core-format';
import {
  AREAS,
  MAX_KEY_BYTES,
  objectName,
  parseStoreKey,
  SecureStoreError,
  TOMBSTONE_LENGTH,
} from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { isGrantedRecord } from '../engine/check-granted.ts';
import { pastFolder, tokenIn } from '../record/encoded-names.ts';
import { openOfToken } from '../record/stable-read.ts';
import { listPage } from '../util/listing.ts';
import { openByToken } from '../record/open-record.ts';

const PAGE = 1000;

/** Names that are decrypted at once: enough to share the cost, without holding the event loop or reading ahead for long. */
const BATCH = 128;

/** The name of an object whose token doesn't tell it. `undefined` if it was deleted meanwhile, or its category was not granted. */
export async function readName(engine: Engine, token: string, signal?: AbortSignal): Promise<string | undefined> {
  const found = await engine.backend.read(objectName(token), { signal });
  if (found === undefined || found.body.length === TOMBSTONE_LENGTH) return undefined;
  // The name is sealed with the object: a member can open it only in a granted category.
  if (!isGrantedRecord(engine, found.body)) return undefined;
  const opened = await openOfToken(engine, openByToken, token, found.body, signal);
  return opened.kind === 'object' ? opened.body.name : undefined;
}

/** A name that only the backend vouches for until its record is read: with plain names it may be no key at all. */
function keyOf(name: string): StoreKey {
  try {
    return parseStoreKey(name);
  } catch {
    throw new SecureStoreError('INTEGRITY', 'the backend holds an object with an invalid name');
  }
}

/** The name to continue after: past the whole folder in which a page ended, if nothing in it can match. */
function nextAfter(folder: string, lastKey: string, lastMatched: boolean): string {
  return (lastMatched ? undefined : pastFolder(lastKey, folder)) ?? lastKey;
}

/**
 * The names of `entries` that start with `prefix`. An error comes after the names before it.
 *
 * @returns whether the last name starts with it
 */
async function* namesIn(
  engine: Engine,
  entries: readonly ListEntry[],
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoreKey[], boolean> {
  const tokens = entries.map(({ key }) => tokenIn(key));
  let names: StoreKey[] = [];
  let matched = true;
  try {
    for (const [index, opened] of engine.names.openAll(tokens).entries()) {
      if (SecureStoreError.is(opened)) throw opened;
      const isHidden = 'hidden' in opened;
      matched = isHidden || opened.name.startsWith(prefix);
      if (!matched || entries[index]?.size === TOMBSTONE_LENGTH) continue;
      if (!isHidden) {
        names.push(keyOf(opened.name));
        continue;
      }
      // The caller may want no more than the names before, and then this one is not read.
      yield names;
      names = [];
      const name = await readName(engine, tokens[index] ?? '', signal);
      if (name?.startsWith(prefix) === true) names.push(keyOf(name));
    }
  } catch (error) {
    yield names;
    throw error;
  }
  yield names;
  return matched;
}

/**
 * The names that start with `prefix`, in the backend's order and a few at a time.
 *
 * @param options `after` is the name that they begin after
 */
export async function* listNames(
  engine: Engine,
  prefix: string,
  { after: begin, signal }: { readonly after?: StoreKey | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<readonly StoreKey[]> {
  const { backend, names, monitor, place } = engine;
  // No key contains these, so nothing starts with such a prefix.
  if (prefix.startsWith('/') || prefix.includes('//') || prefix.length > MAX_KEY_BYTES) return;
  const visible = names.visibleFolder(prefix);
  const folder = visible === '' ? AREAS.objects : `${objectName(visible)}/`;
  for (let after = begin && objectName(names.locate(begin).token); ;) {
    const epoch = place?.epoch;
    const page = await listPage(
      backend,
      folder,
      after === undefined ? { limit: PAGE, signal } : { after, limit: PAGE, signal },
    );
    const wait = monitor.acknowledge(signal);
    if (wait !== undefined) await wait;
    // The store has moved: list the page again there.
    if (place?.epoch !== epoch) continue;
    let matched = true;
    for (let start = 0; start < page.entries.length; start += BATCH) {
      matched = yield* namesIn(engine, page.entries.slice(start, start + BATCH), prefix, signal);
    }
    const last = page.entries.at(-1);
    if (!page.more || last === undefined) return;
    after = nextAfter(folder, last.key, matched);
  }
}
