import { SecureStoreError } from '@securestore/core-format';
import type { RegisteredDestination, RetentionSettings } from 'securestore';
import { refuseMemory } from '../backup-place.ts';
import type { Call } from '../call.ts';
import { withStore } from '../open.ts';
import { formatDuration, formatTable, formatTime, printable } from '../terminal-text.ts';

const COLUMNS = [{ title: 'DESTINATION' }, { title: 'SINCE' }, { title: 'KEEPS' }] as const;

const SPANS: ReadonlySet<string> = new Set(['within', 'continuous']);

/** A retention in one line. */
export function retentionText(retention: RetentionSettings | undefined): string {
  const rules = Object.entries(retention ?? {}).filter(([, value]) => value !== undefined);
  if (rules.length === 0) return 'everything';
  return rules
    .map(([name, value]) => `${name} ${SPANS.has(name) ? formatDuration(Number(value) / 1000) : String(value)}`)
    .join(', ');
}

function row({ location, registered, retention }: RegisteredDestination, shown: (text: string) => string): string[] {
  return [shown(location), formatTime(new Date(registered)), retentionText(retention)];
}

/** `securestore destinations`. */
export async function destinations(
  call: Call,
  action: string | undefined,
  location: string | undefined,
): Promise<void> {
  const { cli, out } = call;
  const { signal } = cli;
  if (action !== undefined && action !== 'add' && action !== 'remove') {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `destinations has no action "${action}": add, remove, or none to list`,
    );
  }
  if ((action === undefined) !== (location === undefined)) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'give a location with add and remove');
  }
  if (action === 'add' && location !== undefined) refuseMemory(location);
  await withStore(call, async ({ backups }) => {
    if (action === undefined || location === undefined) {
      const found = await backups.destinations();
      if (out.json)
        for (const one of found) await out.result({ ...one, registered: new Date(one.registered) }, () => []);
      else if (found.length === 0) out.note('the store is backed up nowhere yet; securestore backup LOCATION does it');
      else
        await out.result({}, () =>
          formatTable(
            COLUMNS,
            found.map((one) => row(one, out.name)),
          ),
        );
      return;
    }
    if (action === 'add') {
      await backups.register(location, { signal });
      await out.result({ location, registered: true }, () => {
        return `${printable(location)} follows the keys of the store from now on; securestore backup makes snapshots there`;
      });
      return;
    }
    await backups.unregister(location, { signal });
    await out.result({ location, registered: false }, () => {
      return `${printable(location)} follows the keys of the store no longer; what lies there stays, and opens with the keys of now`;
    });
  });
}
