import type { SnapshotInfo } from 'securestore';
import { withBackupSecret } from '../backup-source.ts';
import type { Call } from '../call.ts';
import { formatBytes, formatTable, formatTime } from '../terminal-text.ts';

const COLUMNS = [
  { title: 'SNAPSHOT', align: 'right' },
  { title: 'TIME' },
  { title: 'OBJECTS', align: 'right' },
  { title: 'VERSIONS', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'COPIED', align: 'right' },
  { title: 'LABEL' },
] as const;

function row(info: SnapshotInfo, shown: (text: string) => string): string[] {
  const { number, time, objects, versions, bytes, copied, label } = info;
  const sizes = [formatBytes(bytes), formatBytes(copied)];
  return [String(number), formatTime(time), String(objects), String(versions), ...sizes, shown(label)];
}

/** `securestore snapshots`. */
export async function snapshots(call: Call, location: string): Promise<void> {
  const { out } = call;
  const { listSnapshots } = await import('securestore');
  const found = await withBackupSecret(call, location, (options) => listSnapshots(location, options));
  if (out.json) {
    for (const info of found) await out.result(info, () => []);
    return;
  }
  if (found.length === 0) out.note('there is no snapshot here yet');
  else
    await out.result({}, () =>
      formatTable(
        COLUMNS,
        found.map((info) => row(info, out.name)),
      ),
    );
}
