import { SecureStoreError } from '@securestore/core-format';
import type { ManagedPorts } from '../trust/destinations.ts';
import { publishOverMigrated } from '../trust/migrated-from.ts';
import { changeRegistry, registeredAt } from '../trust/registry.ts';
import type { RetentionSettings } from '../retention/index.ts';
import { readerLabel } from '../snapshot/snapshot.ts';

export async function registerDestination(
  { area, destinations }: ManagedPorts,
  destination: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  area.checkOpen();
  const name = destinations.named(destination);
  await destinations.at(name, signal, async ({ backend, url }) => {
    await area.makeKeys(signal);
    await destinations.checkAlone(name, backend, signal);
    const { destination: found } = await publishOverMigrated(area, { backend, url }, signal);
    await destinations.register(name, backend, signal);
    // From now on the journal records changes, which only the owner can start.
    await area.open(readerLabel(found), () => undefined, signal);
  });
}

function notRegistered(destination: string): never {
  throw new SecureStoreError('NOT_FOUND', `${destination} is not a registered destination`, {
    advice: [{ id: 'register-destination', destination }],
  });
}

/** @throws SecureStoreError `NOT_FOUND` */
export async function setRetention(
  { area, destinations }: ManagedPorts,
  destination: string,
  retention: RetentionSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = destinations.named(destination);
  await changeRegistry(
    area,
    (registry) => {
      const found = registry.destinations.find(({ url }) => url === name) ?? notRegistered(destination);
      return { destinations: [...registry.destinations.filter((one) => one !== found), { ...found, retention }] };
    },
    signal,
  );
}

/** @throws SecureStoreError `NOT_FOUND` */
export async function unregisterDestination(
  { area, destinations }: ManagedPorts,
  destination: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = destinations.named(destination);
  area.checkOpen();
  const found = registeredAt(area, name) ?? notRegistered(destination);
  await changeRegistry(
    area,
    (registry) => ({ destinations: registry.destinations.filter(({ id }) => id !== found.id) }),
    signal,
  );
  await area.unregister(readerLabel({ id: Buffer.from(found.id, 'hex') }));
}
