import type { Head } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import { NameCipher, randomPool } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type { Engine, Limits } from './engine.ts';
import { GRACE_PERIOD } from './engine.ts';
import { HeadMonitor } from '../head/head-monitor.ts';
import { JournalWriter } from './journal-writer.ts';
import { KeyedMutex } from '../util/keyed-mutex.ts';
import { limitsFor } from './limits.ts';
import type { Arrived } from '../head/move/follow-redirect.ts';
import { RelocatableBackend } from './relocatable-backend.ts';
import { RecordCache } from './record-cache.ts';
import { rememberArrival } from '../head/trust/check-identity.ts';
import type { Loaded } from '../head/load-head.ts';
import type { StoreContext } from '../head/open-settings.ts';

/**
 * The engine of a store of which the head has been loaded.
 *
 * @param context with what the store was opened with, if that is to be asked again when its slot is gone
 */
export function engineOf(
  context: StoreContext & { readonly unlock?: UnlockMethod | undefined },
  clock: Clock,
  { begun, read, state, arrived, left }: Pick<Loaded, 'begun' | 'read' | 'state' | 'arrived' | 'left'>,
  gracePeriod: number = GRACE_PERIOD,
): Engine {
  const { backend: given, random, targets, unlock, logger } = context;
  const { head } = read;
  const place = targets && new RelocatableBackend(left?.backend ?? given, left?.url ?? context.url);
  if (left !== undefined) place?.moveTo(given, context.url);
  if (arrived !== undefined) place?.moveTo(arrived.backend, arrived.url);
  const backend = place?.backend ?? given;
  const etag = place === undefined ? read.etag : place.mark(read.etag);
  const monitor = new HeadMonitor({ backend, clock, unlock, logger }, state, { ...read, etag }, begun);
  const ports = { backend, clock, random: random ?? randomPool(), monitor };
  // They change when the store moves.
  const engine: Engine & { limits: Limits } = {
    ...ports,
    place,
    names: new NameCipher(state.keys.names, head.naming, head.lineage),
    cache: new RecordCache(clock, gracePeriod / 2),
    turns: new KeyedMutex(),
    limits: limitsFor(backend.capabilities),
    journal: new JournalWriter(ports),
    audit: {},
    copies: {},
    gracePeriod,
  };
  if (targets !== undefined && place !== undefined) {
    const onMove = async (there: Arrived): Promise<string> => {
      place.moveTo(there.backend, there.url);
      engine.limits = limitsFor(backend.capabilities);
      engine.cache.clear();
      engine.journal.restart();
      return place.mark(there.read.etag);
    };
    const onFound = (url: string, found: Head): Promise<void> => rememberArrival({ ...context, url }, found);
    monitor.follows({ moves: targets, onMove, onFound });
  }
  return engine;
}
