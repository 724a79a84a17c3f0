import type { RegisteredDestination, RetentionSettings, SecureStore } from 'securestore';
import { refuseMemory } from '../backup/backup-place.ts';
import type { Call } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { count, formatDuration, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

const COLUMNS = [{ title: 'DESTINATION' }, { title: 'SINCE' }, { title: 'KEEPS' }] as const;

const SPANS: ReadonlySet<string> = new Set(['within', 'continuous']);

export interface DestinationsOptions {
  readonly schedules?: boolean;
}

/** A retention in one line. */
export function retentionText(retention: RetentionSettings | undefined): string {
  const rules = Object.entries(retention ?? {}).filter(([, value]) => value !== undefined);
  if (rules.length === 0) return 'everything';
  return rules
    .map(([name, value]) => `${name} ${SPANS.has(name) ? formatDuration(Number(value) / 1000) : String(value)}`)
    .join(', ');
}

function row({ url, registered, retention }: RegisteredDestination, shown: (text: string) => string): string[] {
  return [shown(url), formatTime(new Date(registered)), retentionText(retention)];
}

/** `securestore destination list`. */
export async function listDestinations(call: Call): Promise<void> {
  const { out } = call;
  await withStore(call, async ({ backups }) => {
    const found = await backups.destinations();
    if (out.json) for (const one of found) await out.result({ ...one, registered: new Date(one.registered) }, () => []);
    else if (found.length === 0)
      out.note(
        printable(`the store is backed up nowhere yet; to back up: ${new Commands(call).on(['backup', 'URL'])}`),
      );
    else {
      const rows = found.map((one) => row(one, out.name));
      await out.result({}, () => formatTable(COLUMNS, rows));
      out.note(count(rows.length, 'destination'));
    }
  });
}

/** `securestore destination add`. */
export async function addDestination(call: Call, url: string): Promise<void> {
  refuseMemory(url);
  const { cli, out } = call;
  await withStore(call, async ({ backups }) => {
    await backups.register(url, { signal: cli.signal });
    await out.result({ url, registered: true }, () => {
      return `${printable(url)} follows the keys of the store from now on; to make a snapshot there: ${printable(new Commands(call).on(['backup', url]))}`;
    });
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
  const after = new Set((await backups.destinations()).map(({ id }) => id));
  // As the store calls it: it was given relative to here, perhaps.
  const gone = before.find(({ id }) => !after.has(id))?.url;
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
      `${printable(url)} is no longer a destination; its backups stay, and open with the encryption keys that they have now`,
      ...(concerned.length === 0 ? [] : [told]),
    ];
  });
}
