import { type Advice, SecureStoreError } from '@securestore/core-format';
import type { ManagedPorts } from '../trust/destinations.ts';
import { publishOverMigrated } from '../trust/migrated-from.ts';
import type { RegisteredDestination } from '../trust/registry.ts';
import { changeRegistry, registryOf } from '../trust/registry.ts';
import type { RetentionSettings } from '../retention/index.ts';
import { readerLabel } from '../snapshot/reader-label.ts';

export async function registerDestination(
  { area, destinations }: ManagedPorts,
  destination: string,
  takeOver: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  area.checkOpen();
  const name = destinations.named(destination);
  await destinations.at(name, signal, async ({ backend, url }) => {
    await area.makeKeys(signal);
    await destinations.checkAlone(name, backend, signal, true);
    const { destination: found } = await publishOverMigrated(area, { backend, url }, signal, takeOver);
    await destinations.register(name, backend, signal);
    // From now on the journal records changes, which only the owner can start.
    await area.open(readerLabel(found), () => undefined, signal);
  });
}

/** @param destination its name, without credentials */
function notRegistered(destination: string, advice: Advice): never {
  throw new SecureStoreError('NOT_FOUND', `${destination} is not a registered destination`, { advice: [advice] });
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
      const found = registry.destinations.filter(({ url }) => url === name);
      if (found.length === 0) notRegistered(name, { id: 'register-destination', destination: name });
      const others = registry.destinations.filter(({ url }) => url !== name);
      return { destinations: [...others, ...found.map((one) => ({ ...one, retention }))] };
    },
    signal,
  );
}

/** The destination with this id or store URL. @throws SecureStoreError `NOT_FOUND`; `CONFLICT` if several are registered at the store URL */
function oneOf({ area, destinations }: ManagedPorts, destination: string): RegisteredDestination {
  const registered = registryOf(area).destinations;
  const named = registered.find(({ id }) => id === destination);
  if (named !== undefined) return named;
  const name = destinations.named(destination);
  const [found, ...others] = registered.filter(({ url }) => url === name);
  if (found === undefined) notRegistered(name, { id: 'list-destinations' });
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => id).join(', ');
  throw new SecureStoreError('CONFLICT', `several destinations are registered at ${name}: give the id of one: ${ids}`, {
    advice: [{ id: 'list-destinations' }],
  });
}

/** @throws SecureStoreError `NOT_FOUND`; `CONFLICT` if several are registered at the store URL */
export async function unregisterDestination(
  ports: ManagedPorts,
  destination: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { area } = ports;
  area.checkOpen();
  const found = oneOf(ports, destination);
  await changeRegistry(
    area,
    (registry) => ({ destinations: registry.destinations.filter(({ id }) => id !== found.id) }),
    signal,
  );
  await area.unregister(readerLabel({ id: Buffer.from(found.id, 'hex') }));
}
