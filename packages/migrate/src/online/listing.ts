import type { ListEntry, ReadResult } from '@securestore/backend-api';
import { afterToken, AREAS, blobsPrefix, historyPrefix, objectName, splitUnderToken } from '@securestore/core-format';
import { joinByToken } from '@securestore/objects/internal';

/** What lies at a backend under the token of one object. */
export interface Listed {
  readonly token: string;
  /** The current record. */
  readonly record: ListEntry | undefined;
  /** Older records, newest first. */
  readonly history: readonly ListEntry[];
  /** Parts of payloads. */
  readonly parts: readonly ListEntry[];
}

/** Lists names of a backend. */
export type Lister = (prefix: string, after: string | undefined) => AsyncIterable<ListEntry>;

interface Group {
  readonly token: string;
  readonly entries: ListEntry[];
}

async function* records(list: Lister, after: string | undefined): AsyncGenerator<{ token: string; entry: ListEntry }> {
  const { objects } = AREAS;
  for await (const entry of list(objects, after === undefined ? undefined : `${objects}${after}`)) {
    yield { token: entry.key.slice(objects.length), entry };
  }
}

/** Groups of what an area holds by token, in the order of their tokens. What no store makes is left out. */
async function* grouped(list: Lister, area: string, after: string | undefined): AsyncGenerator<Group> {
  let group: Group | undefined;
  for await (const entry of list(area, after === undefined ? undefined : afterToken(area, after))) {
    const token = splitUnderToken(area, entry.key)?.token;
    if (token === undefined) continue;
    if (group !== undefined && group.token !== token) yield group;
    if (group?.token !== token) group = { token, entries: [] };
    group.entries.push(entry);
  }
  if (group !== undefined) yield group;
}

/** All objects that a backend holds after a token, in order; in memory is one of them, with the names of its history and its parts. */
export async function* listObjects(list: Lister, after?: string): AsyncGenerator<Listed> {
  const joined = joinByToken<{ current: { token: string; entry: ListEntry }; history: Group; parts: Group }>({
    current: records(list, after),
    history: grouped(list, AREAS.history, after),
    parts: grouped(list, AREAS.blobs, after),
  });
  for await (const { token, current, history, parts } of joined) {
    yield { token, record: current?.entry, history: history?.entries ?? [], parts: parts?.entries ?? [] };
  }
}

/**
 * What a place lists of one object.
 *
 * @param current the current record, read before
 */
export async function listOne(
  token: string,
  current: ReadResult | undefined,
  list: (prefix: string) => AsyncIterable<ListEntry>,
): Promise<Listed> {
  const all = async (prefix: string): Promise<ListEntry[]> => {
    const entries: ListEntry[] = [];
    for await (const entry of list(prefix)) entries.push(entry);
    return entries;
  };
  const record = current && { key: objectName(token), size: current.size, modified: current.modified };
  return { token, record, history: await all(historyPrefix(token)), parts: await all(blobsPrefix(token)) };
}
