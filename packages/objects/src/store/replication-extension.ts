import type { ListOptions, ListResult, ReadOptions, ReadResult } from '@securestore/backend-api';
import { HEAD_NAME } from '@securestore/core-format';
import type { Administration } from './administration.ts';
import type { Engine } from '../engine/engine.ts';
import type { Alarm } from '../journal/alarms.ts';
import type { Consumer } from '../journal/consumer.ts';
import { openConsumer } from '../journal/open-consumer.ts';
import type { OpenCalls } from './call-gate.ts';
import { listPage } from '../util/listing.ts';
import { StoreArea } from './extension.ts';

/** What bringing a store elsewhere takes of it, to be backed up or to move: its bytes as they lie there, and what changes in it. */
export class SourceArea extends StoreArea {
  readonly #engine: Engine;

  constructor(engine: Engine, calls: OpenCalls, administration: Administration) {
    super(engine, calls, administration);
    this.#engine = engine;
  }

  /**
   * Opens what reads the changes of the store, registered under `label` if it isn't yet: that switches the journal on.
   *
   * @throws SecureStoreError as `openConsumer` does
   */
  async open(label: string, onDamaged: (alarm: Alarm) => void, signal?: AbortSignal): Promise<Consumer> {
    this.checkOpen();
    return openConsumer(this.#engine, label, signal, onDamaged);
  }

  /** What the clock of the backend says at least, in milliseconds since 1970; `undefined` where it doesn't tell. */
  async backendNow(signal?: AbortSignal): Promise<number | undefined> {
    return (await this.#engine.backend.read(HEAD_NAME, { signal }))?.now;
  }

  /** The bytes at a name, sealed as they lie there. */
  read(name: string, options?: ReadOptions): Promise<ReadResult | undefined> {
    return this.#engine.backend.read(name, options);
  }

  /** One page of what is at the backend under `prefix`, in order. @throws SecureStoreError as the listings of the store do */
  list(prefix: string, options: ListOptions): Promise<ListResult> {
    return listPage(this.#engine.backend, prefix, options);
  }
}
