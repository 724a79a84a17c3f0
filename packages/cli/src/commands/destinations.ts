import type { RegisteredDestination, RetentionSettings, SecureStore } from 'securestore';
import { refuseMemory } from '../backup/backup-place.ts';
import type { Call } from '../call/call.ts';
import { noteOlderKits } from './kits.ts';
import { withStore } from '../store/open.ts';
import { isRemote } from '../store/served.ts';
import { count, formatDuration, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

const COLUMNS = [{ title: 'DESTINATION' }, { title: 'SINCE' }, { title: 'KEEPS' }, { title: 'STATE' }] as const;

/** How long one destination may take to answer, in milliseconds. */
const LOOK_FOR = 10_000;

const SPANS: ReadonlySet<string> = new Set(['within', 'continuous']);

export interface DestinationsOptions {
  readonly schedules?: boolean;
  readonly takeOver?: boolean;
}

/** A retention in one line. */
export function retentionText(retention: RetentionSettings | undefined): string {
  const rules = Object.entries(retention ?? {}).filter(([, value]) => value !== undefined);
  if (rules.length === 0) return 'everything';
  return rules
    .map(([name, value]) => `${name} ${SPANS.has(name) ? formatDuration(Number(value) / 1000) : String(value)}`)
    .join(', ');
}

/** The facts about a destination. */
type Facts = Awaited<ReturnType<SecureStore['schedules']['conditions']>>[number]['facts'];

/** Whether each destination is there, by its id. */
async function statesOf({ cli }: Call, store: SecureStore): Promise<ReadonlyMap<string, string>> {
  // A server decides itself how long it looks.
  const within = isRemote(store) ? {} : { within: LOOK_FOR };
  const all = await store.schedules.conditions({ ...within, signal: cli.signal });
  return new Map(all.map(({ id, facts }) => [id, stateOf(facts)]));
}

function stateOf({ unreachable, replacedBy, belongsTo }: Facts): string {
  if (replacedBy !== undefined) return 'another destination is there';
  if (belongsTo !== undefined) return 'has the backups of another copy';
  if (unreachable === undefined) return 'present';
  if (unreachable === 'ROLLBACK') return 'has lost its newest snapshots';
  return unreachable === 'NOT_FOUND' ? 'gone' : `cannot be read (${unreachable})`;
}

/** `securestore destination list`. */
export async function listDestinations(call: Call): Promise<void> {
  const { out } = call;
  await withStore(call, async (store) => {
    const found = await store.backups.destinations();
    if (found.length === 0) {
      if (out.json) return;
      out.note(
        printable(`the store is backed up nowhere yet; to back up: ${new Commands(call).on(['backup', 'URL'])}`),
      );
      return;
    }
    const states = await statesOf(call, store);
    const stateAt = ({ id }: RegisteredDestination): string => states.get(id) ?? 'not known';
    if (out.json) {
      for (const one of found) {
        await out.result({ ...one, registered: new Date(one.registered), state: stateAt(one) }, () => []);
      }
    } else {
      // An id is long, and needed only to tell two at one URL apart.
      const hasTwins = new Set(found.map(({ url }) => url)).size < found.length;
      const rows = found.map((one) => [
        out.name(one.url),
        formatTime(new Date(one.registered)),
        retentionText(one.retention),
        stateAt(one),
        ...(hasTwins ? [one.id] : []),
      ]);
      const columns = hasTwins ? [...COLUMNS, { title: 'ID' }] : COLUMNS;
      await out.result({}, () => formatTable(columns, rows));
      out.note(count(rows.length, 'destination'));
    }
  });
}

/** `securestore destination add`. */
export async function addDestination(call: Call<DestinationsOptions>, url: string): Promise<void> {
  refuseMemory(url);
  const { cli, out, options } = call;
  await withStore(call, async (store) => {
    const { backups } = store;
    await backups.register(url, { ...(options.takeOver === true && { takeOver: true }), signal: cli.signal });
    await out.result({ url, registered: true }, () => {
      return `${printable(url)} follows the keys of the store from now on; to make a snapshot there: ${printable(new Commands(call).on(['backup', url]))}`;
    });
    await noteOlderKits(call, store);
  });
}

/** `securestore destination remove`. */
export async function removeDestination(call: Call<DestinationsOptions>, url: string): Promise<void> {
  await withStore(call, (store) => remove(call, store, url));
}

/** Schedules of a place that is given up would fail from then on, so they are named, or removed. */
async function remove(
  call: Call<DestinationsOptions>,
  { backups, schedules }: SecureStore,
  url: string,
): Promise<void> {
  const { cli, out, options } = call;
  const { signal } = cli;
  const before = await backups.destinations();
  await backups.unregister(url, { signal });
  const left = await backups.destinations();
  const after = new Set(left.map(({ id }) => id));
  // As the store calls it: it was given relative to here, perhaps.
  const removed = before.find(({ id }) => !after.has(id))?.url;
  // Another destination at this URL keeps its schedules.
  const gone = left.some((one) => one.url === removed) ? undefined : removed;
  const concerned = (await schedules.list()).flatMap(({ id, destination }) => (destination === gone ? [id] : []));
  const areRemoved = options.schedules === true;
  if (areRemoved) for (const id of concerned) await schedules.remove(id);
  const result = { url, registered: false, schedules: concerned, schedulesRemoved: areRemoved };
  await out.result(result, () => {
    const names = concerned.map(printable).join(', ');
    const told = areRemoved
      ? `its schedules were removed: ${names}`
      : `its schedules are still there and will fail: ${names}; to remove each: ${printable(new Commands(call).on(['schedule', 'remove', 'NAME']))}`;
    return [
      `${printable(url)} is no longer a destination; its backups stay, and need the encryption keys that are there now`,
      ...(concerned.length === 0 ? [] : [told]),
    ];
  });
}
