import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVED_PLACES } from '../../../../tools/services/src/provide/places.ts';
import { provideServer } from '../../../../tools/services/src/provide/provide.ts';

const LOCAL = ['memory', 'file', 'sqlite'] as const;

/** The names of all backends. */
export const ALL_BACKENDS: readonly string[] = [...LOCAL, ...SERVED_PLACES.map(({ name }) => name)];

/** Places of every backend, with the servers that they take. */
export interface AllPlaces {
  /** A store URL where nothing is, by the name of a backend; `undefined` where its server is not to be had, which is said. */
  readonly fresh: (name: string) => string | undefined;
  /** Ends the servers and removes what lies in files. */
  readonly end: () => Promise<void>;
}

const label = (): string => `p${randomUUID().replaceAll('-', '')}`;

/** Starts the servers that it takes, or those of some backends. @throws Error in continuous integration and as root where one can't be had */
export async function allPlaces(wanted: readonly string[] = ALL_BACKENDS): Promise<AllPlaces> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-places-'));
  const ends: (() => Promise<void>)[] = [];
  const made = new Map<string, () => string>([
    ['memory', () => `memory:${label()}`],
    ['file', () => `file:${join(folder, label())}`],
    ['sqlite', () => `sqlite:${join(folder, `${label()}.db`)}`],
  ]);
  const end = async (): Promise<void> => {
    for (const stop of ends) await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const { name, service, at, prepare } of SERVED_PLACES.filter((place) => wanted.includes(place.name))) {
      const { provided, stop } = await provideServer(service);
      ends.push(stop);
      if ('skip' in provided) continue;
      await prepare?.(provided.url);
      made.set(name, () => at(provided.url, label()));
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { fresh: (name) => made.get(name)?.(), end };
}
