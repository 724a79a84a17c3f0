import { lazyPart } from '@securestore/core-format';
import type { Points } from '../repository/snapshots.ts';
import type { Connected, ManagedPorts } from '../trust/destinations.ts';
import type { SynchronousOptions } from './continuous-types.ts';
import { remoteGate } from './synchronous.ts';

const loadPoints = lazyPart('backups', () => import('./points-work.ts'));

/** Has writes wait for another process that follows a destination. @returns what ends that */
export function waitForOther(
  { area, destinations }: ManagedPorts,
  url: string,
  options: SynchronousOptions,
): () => Promise<void> {
  let connected: Promise<Connected> | undefined;
  const points = async (): Promise<Points> => {
    connected ??= destinations.connect(url).catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
    const { backend } = await connected;
    const { Points, requireDestination } = await loadPoints();
    return new Points(await requireDestination(backend, url), area.seals);
  };
  area.guardMutations(remoteGate(area, url, points, options));
  return async () => {
    area.guardMutations(undefined);
    await (await connected?.catch(() => undefined))?.close();
  };
}
