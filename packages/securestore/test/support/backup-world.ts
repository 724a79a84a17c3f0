import { randomBytes, randomUUID } from 'node:crypto';
import { MemoryBackend } from '@securestore/backend-memory';
import { onTestFinished } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type {
  Authenticator,
  HealthThresholds,
  OpenBackupOptions,
  OpenOptions,
  SecureStore,
  SnapshotReport,
} from '../../src/index.ts';
import { openStore } from '../../src/index.ts';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';
import { unlock } from './access-world.ts';

/** Of two chunks; of two parts are those of `round-trip.ts`, and these in the longest run. */
export const LARGE: Buffer = randomBytes(TORTURE ? 9 * 1024 * 1024 : 1_500_000);

/** Believes whoever says a name. */
const trusting: Authenticator = {
  name: 'trusting',
  authenticate: async (credentials) => credentials as { principal: string },
};

/** The time that answers take is not that of the clock: a machine that is busy is slow to get them, which is no finding. */
export const PATIENT: HealthThresholds = { slowAfter: 60_000, failingAfter: 60_000 };

/** A store in memory, where no time passes but while somebody waits for it, and places for its backups. */
export class BackupWorld {
  readonly clock: EagerClock = new EagerClock(Date.now());
  readonly url: string = `memory:${randomUUID()}`;
  readonly backup: string = `memory:${randomUUID()}`;
  readonly target: string = `memory:${randomUUID()}`;

  /** What opens its backups without it. */
  get secret(): OpenBackupOptions {
    return { unlock, clock: this.clock };
  }

  async open(more: Partial<OpenOptions> = {}): Promise<SecureStore> {
    const backend = new MemoryBackend({ clock: () => this.clock.now() });
    const options = {
      unlock,
      create: true,
      backend,
      clock: this.clock,
      maintenance: false,
      authenticators: [trusting],
      health: { thresholds: PATIENT },
    };
    const store = await openStore(this.url, { ...options, ...more });
    onTestFinished(async () => store.close());
    return store;
  }

  /** With small and large objects, some of them with a past. */
  async furnished(more: Partial<OpenOptions> = {}): Promise<SecureStore> {
    const store = await this.open(more);
    await furnish(store);
    return store;
  }
}

/** A furnished store with a snapshot. */
export async function backedUp(): Promise<{
  readonly world: BackupWorld;
  readonly store: SecureStore;
  readonly report: SnapshotReport;
}> {
  const world = new BackupWorld();
  const store = await world.furnished();
  const report = await store.backup(world.backup, { label: 'first' });
  return { world, store, report };
}

/** Stores small and large objects, one with older versions, one that is deleted, one with metadata and one that expires. */
export async function furnish(store: SecureStore): Promise<void> {
  await store.store('db/a', 'first');
  await store.store('db/a', 'second', { metadata: { owner: 'ops' } });
  await store.store('db/b', 'b', { expires: new Date(Date.UTC(2099, 0, 1)) });
  await store.store('web/c', 'c');
  await store.store('gone', 'there once');
  await store.delete('gone');
  await store.store('large', LARGE);
}

/** All that can be read of a store: by name the text, or the length of what is large, and the versions. */
export async function contentOf(
  store: Pick<SecureStore, 'list' | 'retrieve' | 'history'>,
): Promise<
  Record<string, { readonly text: string; readonly metadata: unknown; readonly versions: readonly string[] }>
> {
  const content: Awaited<ReturnType<typeof contentOf>> = {};
  for (const key of await store.list()) {
    const { data, metadata } = await store.retrieve(key);
    const isLarge = data.length > 1000;
    if (isLarge && !LARGE.equals(data)) throw new Error(`${key} is not what was stored`);
    const versions = (await store.history(key)).map(({ version }) => version);
    content[key] = { text: isLarge ? `${data.length} bytes` : Buffer.from(data).toString(), metadata, versions };
  }
  return content;
}
