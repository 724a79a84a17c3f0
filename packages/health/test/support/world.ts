import type { FaultInjector, Layer, Meter } from '@securestore/backend-api';
import { createFaultInjector, createMeter } from '@securestore/backend-api';
import type { ObjectStore } from '@securestore/objects';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { createAt, usePlace } from '../../../objects/test/support/stores.ts';
import type { HealthCheck, HealthReport, HealthSettings } from '../../src/index.ts';
import { Health } from '../../src/index.ts';

export const DAY: number = 24 * 60 * 60 * 1000;

/** A store in memory whose backend fails on command, and where no time passes but while somebody waits for it. */
export interface World {
  readonly clock: EagerClock;
  readonly place: Place;
  readonly injector: FaultInjector;
  readonly meter: Meter;
  readonly store: ObjectStore;
  readonly health: Health;
}

interface WorldOptions extends Omit<HealthSettings, 'meter' | 'monotonic'> {
  readonly rotation?: { readonly days: number };
  /** Beneath the faults. */
  readonly layers?: readonly Layer[];
  /** By how much the clock of the backend is before that of this machine. */
  readonly backendAhead?: () => number;
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const { rotation, layers = [], backendAhead = () => 0, ...settings } = options;
  const clock = new EagerClock();
  const injector = createFaultInjector();
  const meter = createMeter(() => clock.uptime());
  const place = usePlace(() => memoryPlace(() => clock.now() + backendAhead()));
  const store = await createAt(place, {
    clock,
    layers: [...layers, injector.layer, meter.layer],
    ...(rotation && { rotation }),
  });
  const health = new Health(store, { ...settings, meter, monotonic: () => clock.uptime() });
  return { clock, place, injector, meter, store, health };
}

/** The check of a report under a name, which must be there once. */
export function checkOf({ checks }: HealthReport, name: string): HealthCheck {
  const [check, another] = checks.filter((one) => one.name === name);
  if (check === undefined || another !== undefined) throw new Error(`not exactly one check "${name}"`);
  return check;
}

/** What is not as it should be, by name. */
export function troubles({ checks }: HealthReport): Record<string, string> {
  return Object.fromEntries(
    checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up').map(({ name, status }) => [name, status]),
  );
}
