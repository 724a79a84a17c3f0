import type { RemoteStore, SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import { Commands } from '../errors/hints.ts';
import { isRemote } from '../store/served.ts';
import { printable } from '../terminal/terminal-text.ts';

/** How long one destination may take to answer, in milliseconds. */
const LOOK_FOR = 10_000;

/** The destinations that a change has not been brought to. */
export interface PendingBackups {
  /** For JSON; `otherCopies` are those of `pending` that have the backups of another copy of the store. */
  readonly data: { readonly pending: readonly string[]; readonly otherCopies?: readonly string[] };
  readonly lines: readonly string[];
}

/** The copies of the store that the backups at destinations are of, by the URLs of these. */
export type Owners = ReadonlyMap<string, 'source' | 'copy'>;

/** The destinations that have the backups of other copies of the store. Without the permission to look, none is known. */
export async function ownersOf({ cli }: Call, store: SecureStore | RemoteStore): Promise<Owners> {
  const within = isRemote(store) ? {} : { within: LOOK_FOR };
  const all = await store.schedules.conditions({ ...within, signal: cli.signal }).catch(() => []);
  return new Map(
    all.flatMap(({ facts: { destination, belongsTo } }) =>
      destination === undefined || belongsTo === undefined ? [] : [[destination, belongsTo]],
    ),
  );
}

/** The advice about a destination that has the backups of another copy. */
export function otherCopyLines(commands: Commands, owners: Owners, url: string): string[] {
  const lines = [printable(`to use that destination no longer: ${commands.on(['destination', 'remove', url])}`)];
  if (owners.get(url) === 'copy') return lines;
  const takeOver = commands.on(['backup', url], { 'take-over': true });
  return [
    ...lines,
    printable(`if the store that this one was restored from is lost, to take its backups over: ${takeOver}`),
  ];
}

/**
 * Tells destinations that were not reached from those that have the backups of another copy, which no waiting ends.
 *
 * @param once what holds until they are reached, and what to do then
 */
export async function pendingBackups(
  call: Call,
  store: SecureStore | RemoteStore,
  pending: readonly string[],
  once: string,
): Promise<PendingBackups> {
  if (pending.length === 0) return { data: { pending }, lines: [] };
  const owners = await ownersOf(call, store);
  const otherCopies = pending.filter((url) => owners.has(url));
  const unreached = pending.filter((url) => !owners.has(url));
  const commands = new Commands(call);
  const lines = unreached.map(
    (url) => `changed in the store, but not in the backups at ${printable(url)}, which were not reached`,
  );
  if (unreached.length > 0) lines.push(once);
  for (const url of otherCopies) {
    lines.push(
      `changed in the store, but not in the backups at ${printable(url)}, which are of another copy of it`,
      ...otherCopyLines(commands, owners, url),
    );
  }
  return { data: { pending, ...(otherCopies.length > 0 && { otherCopies }) }, lines };
}
