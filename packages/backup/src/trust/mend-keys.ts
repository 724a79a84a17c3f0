import type { StorageBackend } from '@securestore/backend-api';
import {
  BACKUP_AREAS,
  BACKUP_KEYS_NAME,
  decodeBackupKeys,
  decodeHead,
  encodeBackupKeys,
  SecureStoreError,
} from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import type { BackupArea, CopiedHead } from '@securestore/objects/internal';
import { isInstance } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { Points } from '../repository/snapshots.ts';
import { readChainTip } from './chain-tip.ts';
import { registryOf } from './registry.ts';
import { evidenceOf, trustedTipAt } from './trusted-tip.ts';

type Place = Pick<Destination, 'backend' | 'url'>;

/** What is wrong with the object `keys`, and the condition under which it is written again. */
interface Damage {
  readonly state: 'damaged' | 'missing';
  readonly condition: { readonly ifAbsent: true } | { readonly ifMatch: string };
}

/** @returns `undefined` if the object can be read, or nothing was ever backed up there */
async function damageAt(backend: StorageBackend, signal: AbortSignal | undefined): Promise<Damage | undefined> {
  const found = await backend.read(BACKUP_KEYS_NAME, { signal });
  if (found === undefined) {
    const { entries } = await backend.list(BACKUP_AREAS.points, { limit: 1, signal });
    return entries.length === 0 ? undefined : { state: 'missing', condition: { ifAbsent: true } };
  }
  try {
    decodeHead(decodeBackupKeys(found.body).head);
    return undefined;
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return { state: 'damaged', condition: { ifMatch: found.etag ?? '' } };
  }
}

/**
 * Whether the newest point shows that the backups are those of this store: no copy of it has taken them over, and the store is not older
 * than it was then. Any file after that point that cannot be read may be a point of such a copy, which has other keys.
 */
async function isNewestOwn(
  area: BackupArea,
  destination: Destination,
  { generation }: CopiedHead,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const evidence = evidenceOf(area, destination, await trustedTipAt(area, destination, signal));
  const tip = await readChainTip(new Points(destination, area.seals), evidence, signal);
  const { newest, damaged, foreign, junk } = tip;
  if (newest === undefined || damaged.length + foreign.length + junk.length > 0) return false;
  return isInstance(newest, area.head) && newest.generation <= generation;
}

/**
 * Writes the object `keys` of a registered destination again, if it is damaged or missing: all that it holds is in the store, and the id of
 * the destination in its signed head. It says which store the backups are of, so only the newest point can say that instead.
 *
 * @returns a finding about it; `undefined` if there was nothing to do
 * @throws SecureStoreError `INTEGRITY` if nothing shows that the backups are those of this store; what the backends throw
 */
export async function mendKeys(
  area: BackupArea,
  { backend, url }: Place,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const [registered, another] = registryOf(area).destinations.filter((one) => one.url === url);
  if (registered === undefined || !area.hasKeys) return undefined;
  const damage = await damageAt(backend, signal);
  if (damage === undefined) return undefined;
  const what = `the object "keys" at ${url} was ${damage.state}`;
  const destination = { backend, url, id: Buffer.from(registered.id, 'hex') };
  const copied = await area.copyHead(signal);
  if (another !== undefined || !(await isNewestOwn(area, destination, copied, signal))) {
    const why = 'It was not written again: no intact newest snapshot shows that the backups are those of this store.';
    throw new SecureStoreError('INTEGRITY', `${what}. ${why}`, {
      advice: [{ id: 'choose-store-url' }, { id: 'unregister-destination', destination: url }],
    });
  }
  const keys = encodeBackupKeys({ destination: destination.id, head: copied.head, objects: copied.objects });
  try {
    await backend.write(BACKUP_KEYS_NAME, keys, { ...damage.condition, signal });
  } catch (error) {
    // Another process was faster.
    if (!isUndecided(error)) throw error;
    return undefined;
  }
  return `${what}, and was written again`;
}
