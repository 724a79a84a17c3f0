import { forwardTo } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import type { Engine } from './engine.ts';
import { withBackend } from './engine.ts';
import type { HeadMonitor } from '../head/head-monitor.ts';

/**
 * A backend on which every write and deletion asks first whether this process may still write, by a head that was
 * confirmed a few seconds ago at most.
 */
function guardedBackend(backend: StorageBackend, monitor: HeadMonitor, restores: boolean | undefined): StorageBackend {
  const check = async (signal: AbortSignal | undefined): Promise<void> => {
    await monitor.acknowledge(signal);
    monitor.checkWritable(restores);
  };
  return forwardTo(backend, {
    async write(key, body, options) {
      await check(options?.signal);
      return backend.write(key, body, options);
    },
    async delete(key, options) {
      await check(options?.signal);
      return backend.delete(key, options);
    },
    async batch(operations, options) {
      await check(options?.signal);
      return backend.batch?.(operations, options) ?? [];
    },
    async deleteMany(keys, options) {
      await check(options?.signal);
      await backend.deleteMany?.(keys, options);
    },
  });
}

/**
 * The engine for long work, which would otherwise go on changing things after its process has lost the right to: it was
 * asked for at the beginning, and a job acknowledges nothing in between. What fails by it is `LOCKED`.
 *
 * @param restores whether it goes on while the store is restored; by default only in the process that restores it
 */
export function withWriteFence(engine: Engine, restores?: boolean): Engine {
  return withBackend(engine, guardedBackend(engine.backend, engine.monitor, restores));
}
