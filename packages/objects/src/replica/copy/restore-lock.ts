import { SecureStoreError } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { commitHead } from '../../engine/commit-head.ts';
import type { StoreState } from '../../head/store-state.ts';

/** @throws SecureStoreError `LOCKED` if the store is being moved */
function toState({ head }: StoreState, state: 'open' | 'restoring'): HeadEdit | undefined {
  if (head.migration !== undefined && state === 'restoring') {
    throw new SecureStoreError('LOCKED', 'cannot restore into the store: it is being migrated to another store URL', {
      reason: 'migrating',
      advice: [{ id: 'resume-migration' }, { id: 'cancel-migration' }],
    });
  }
  return head.state === state ? undefined : { head: { state } };
}

/** Has one process write to a store while it is restored, and all others wait. */
export class RestoreLock {
  readonly #engine: Engine;
  /** How many calls of this process are restoring the store. */
  #calls = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @returns what ends that this process writes, once */
  goOn(): () => void {
    const { monitor } = this.#engine;
    let held = true;
    this.#calls += 1;
    monitor.restores = true;
    return () => {
      if (held) this.#calls -= 1;
      held = false;
      monitor.restores = this.#calls > 0;
    };
  }

  async during<T>(body: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const release = this.goOn();
    try {
      await commitHead(this.#engine, { signal }, async (state) => toState(state, 'restoring'));
      await this.#engine.monitor.quiesce(signal);
      const result = await body();
      await this.end(signal);
      return result;
    } finally {
      release();
    }
  }

  async end(signal: AbortSignal | undefined): Promise<void> {
    const release = this.goOn();
    try {
      await commitHead(this.#engine, { signal }, async (state) => toState(state, 'open'));
    } finally {
      release();
    }
  }
}
