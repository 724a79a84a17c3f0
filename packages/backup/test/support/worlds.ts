import { createHash } from 'node:crypto';
import type { Layer, StorageBackend } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import type { Clock, ObjectStore, OpenSettings, StoreSettings } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { atEnd, createAt, openAt, UNLOCK, usePlace } from '../../../objects/test/support/stores.ts';
import type {
  Connect,
  OpenedBackup,
  RecoveryPointChoice,
  RestoreReport,
  RestoreStoreOptions,
  SnapshotOptions,
  SnapshotReport,
} from '../../src/index.ts';
import { Backups, makeSnapshot, openBackup, restoreStoreTo } from '../../src/index.ts';
import { loaded } from './loaded.ts';

await loaded;

/** How a process reaches a place. */
export interface Reach {
  readonly layers?: readonly Layer[];
  readonly wrap?: (backend: StorageBackend) => StorageBackend;
}

/** A store and a place for its backups, of which time passes only while somebody waits. */
export interface World {
  readonly clock: EagerClock;
  readonly source: Place;
  readonly destination: Place;
  readonly store: ObjectStore;
}

export interface WorldOptions {
  readonly settings?: Partial<StoreSettings> & Pick<OpenSettings, 'random'>;
  readonly reach?: Reach;
  readonly clock?: EagerClock;
  readonly makeSource?: (clock: Clock) => Place;
  readonly makeDestination?: (clock: Clock) => Place;
}

/** A place in memory whose backend has the clock of the test. */
export const memoryAt = (clock: Clock): Place => memoryPlace(() => clock.now());

export async function worldOf(options: WorldOptions = {}): Promise<World> {
  const { settings = {}, reach = {}, clock = new EagerClock(), makeSource = memoryAt } = options;
  const { makeDestination = memoryAt } = options;
  const source = usePlace(() => makeSource(clock));
  const destination = usePlace(() => makeDestination(clock));
  return { clock, source, destination, store: await createAt(source, { clock, ...settings, ...reach }) };
}

/** The backend of a place, closed when the test has ended. */
export async function reached(place: Place, { layers = [], wrap }: Reach = {}): Promise<StorageBackend> {
  const opened = await place.open();
  atEnd(() => opened.close());
  return composeLayers(wrap === undefined ? opened : wrap(opened), layers);
}

/** Makes a snapshot at a place. */
export async function snapshotAt(
  store: ObjectStore,
  place: Place,
  { layers, wrap, ...options }: SnapshotOptions & Reach = {},
): Promise<SnapshotReport> {
  const backend = await reached(place, { ...(layers && { layers }), ...(wrap && { wrap }) });
  return makeSnapshot(extensionsOf(store).backup, { backend, url: place.url }, options);
}

/** The backups at a place, opened with the secret of the store alone. */
export async function backupAt(
  place: Place,
  clock: Clock,
  { unlock = UNLOCK, ...reach }: Reach & { readonly unlock?: UnlockMethod } = {},
): Promise<OpenedBackup> {
  const backend = await reached(place, reach);
  const backup = await openBackup({ backend, url: place.url, unlock, clock });
  atEnd(() => backup.close());
  return backup;
}

/** A store that was restored, and what the restore said. */
export interface Restored {
  readonly place: Place;
  readonly store: ObjectStore;
  readonly report: RestoreReport;
}

/** Restores a point to a new place and opens the store there. */
export async function restoredFrom(
  destination: Place,
  clock: Clock,
  options: RestoreStoreOptions & { readonly to?: Place; readonly unlock?: UnlockMethod; readonly reach?: Reach } = {},
): Promise<Restored> {
  const { to: place = usePlace(() => memoryAt(clock)), unlock = UNLOCK, reach = {}, ...rest } = options;
  using backup = await backupAt(destination, clock, { unlock });
  const report = await restoreStoreTo(backup, await reached(place, reach), rest);
  return { place, report, store: await openAt(place, { clock, unlock, ...reach }) };
}

interface KnownVersion {
  readonly version: string;
  readonly modified: number;
  readonly state: string;
  readonly data?: string;
  readonly metadata?: object;
  readonly expires?: number | undefined;
}

/** What callers see of a store: by name, all versions of every object, the newest first. */
export type Contents = Record<string, readonly KnownVersion[]>;

const digestOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function versionsOf(store: ObjectStore, key: string): Promise<KnownVersion[] | undefined> {
  const history = await store.history(key).catch((error: unknown) => {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  if (history === undefined) return undefined;
  const versions: KnownVersion[] = [];
  for (const { version, modified, deleted, purged, expired, current } of history) {
    const state = [deleted && 'deleted', purged && 'purged', expired && 'expired', current && 'current'];
    const fixed = { version, modified: modified.getTime(), state: state.filter((word) => word !== false).join(' ') };
    if (deleted || expired) {
      versions.push(fixed);
      continue;
    }
    const { data, metadata, info } = await store.retrieve(key, { version });
    versions.push({ ...fixed, data: digestOf(data), metadata, expires: info.expires?.getTime() });
  }
  return versions;
}

/** What callers see of a store. @param others names that may have been deleted, which no listing shows */
export async function contentsOf(store: ObjectStore, others: Iterable<string> = []): Promise<Contents> {
  const contents: Contents = {};
  for (const key of [...new Set([...(await store.list()), ...others])].toSorted()) {
    const versions = await versionsOf(store, key);
    if (versions !== undefined) contents[key] = versions;
  }
  return contents;
}

/** What callers see of a point, without restoring it. */
export async function contentsAt(
  destination: Place,
  clock: Clock,
  choice: RecoveryPointChoice = {},
  others: Iterable<string> = [],
): Promise<Contents> {
  using backup = await backupAt(destination, clock);
  await using store = await backup.open(choice);
  return await contentsOf(store, others);
}

/** All files at a place, by name. */
export async function filesAt(place: Place, prefix = ''): Promise<Map<string, Buffer>> {
  const backend = await reached(place);
  const files = new Map<string, Buffer>();
  for (let after: string | undefined; ;) {
    const page = await backend.list(prefix, after === undefined ? {} : { after });
    for (const { key } of page.entries) {
      const found = await backend.read(key);
      if (found !== undefined) files.set(key, Buffer.from(found.body));
    }
    after = page.entries.at(-1)?.key;
    if (!page.more || after === undefined) return files;
  }
}

/** Reaches places by their URLs. @param down says of which there is no reaching */
export function connectTo(places: readonly Place[], reach: (place: Place) => Reach = () => ({})): Connect {
  return {
    nameOf: (url) => url,
    async connect(url) {
      const place = places.find((one) => one.url === url);
      if (place === undefined) throw new SecureStoreError('NOT_FOUND', `there is no place ${url}`);
      const { layers = [], wrap } = reach(place);
      const opened = await place.open();
      const backend = composeLayers(wrap === undefined ? opened : wrap(opened), layers);
      return { backend, url, close: () => opened.close() };
    },
  };
}

/** The backups of a store that reaches some places. */
export function backupsOf(store: ObjectStore, places: readonly Place[], reach?: (place: Place) => Reach): Backups {
  return new Backups(store, connectTo(places, reach));
}
