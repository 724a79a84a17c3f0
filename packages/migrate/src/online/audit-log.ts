import type { StorageBackend } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects';
import { entriesUnder, mapConcurrently } from '@securestore/objects';

const COPIES = 8;

/** Copies what has come to the audit log, whose parts never change. @returns how many bytes */
export async function copyAuditLog(
  area: MigrationArea,
  target: StorageBackend,
  signal: AbortSignal | undefined,
): Promise<number> {
  const there = entriesUnder(target, AREAS.audit, { signal });
  let next = await there.next();
  async function* missing(): AsyncGenerator<string> {
    for await (const { key } of area.entries(AREAS.audit, { signal })) {
      while (next.done !== true && next.value.key < key) next = await there.next();
      if (next.done === true || next.value.key !== key) yield key;
    }
  }
  let bytes = 0;
  const copy = async (name: string): Promise<void> => {
    const found = await area.read(name, { signal });
    if (found === undefined) return;
    await target.write(name, found.body, { signal });
    bytes += found.body.length;
  };
  for await (const _ of mapConcurrently(missing(), COPIES, copy));
  await there.return(undefined);
  return bytes;
}
