import type { BackendCapabilities, ListEntry, ListOptions, ListResult, Nesting } from '@securestore/backend-api';
import type { ReadOptions, ReadResult, StorageBackend } from '@securestore/backend-api';
import { nestingOf } from '@securestore/backend-api';
import type { AuditLink, Head } from '@securestore/core-format';
import { HEAD_NAME } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import type { Clock, Job, JobKind } from '@securestore/jobs';
import type { JobStart } from './administration-types.ts';
import type { Administration } from './administration.ts';
import type { Engine } from '../engine/engine.ts';
import type { CallGate } from './call-gate.ts';
import { isMember } from '../head/unlock/owner-keys.ts';
import type { StoreState } from '../head/store-state.ts';
import { keyAt } from '../record/decode-name.ts';
import type { JournalFinding } from '../journal/alarms.ts';
import type { Consumer } from '../journal/consumer.ts';
import { openConsumer } from '../journal/open-consumer.ts';
import type { CallOptions, Logger } from '../api/types.ts';
import { entriesUnder, listPage } from '../util/listing.ts';

/** What the extensions of a store are made of. */
export interface ExtensionParts {
  readonly engine: Engine;
  readonly calls: CallGate;
  readonly administration: Administration;
  readonly url: string;
  /** Where what goes wrong beside calls is told. */
  readonly logger: Logger | undefined;
  /** How far the segments of the audit log went by what is remembered outside the store. */
  readonly rememberedEnds: () => Promise<AuditLink[]>;
}

/** What every extension works with. */
export class ExtensionArea {
  protected readonly parts: ExtensionParts;

  constructor(parts: ExtensionParts) {
    this.parts = parts;
  }

  protected get engine(): Engine {
    return this.parts.engine;
  }

  protected get state(): StoreState {
    return this.engine.monitor.state;
  }

  get clock(): Clock {
    return this.engine.clock;
  }

  get random(): RandomSource {
    return this.engine.random;
  }
}

/** What packages that work on a store beside its callers all need of it: what is known of it, its bytes as they lie there, and jobs. */
export class StoreArea extends ExtensionArea {
  get capabilities(): BackendCapabilities {
    return this.engine.backend.capabilities;
  }

  /** How another place lies to where the store is, on this machine. */
  nestingOf(other: StorageBackend): Promise<Nesting | undefined> {
    return nestingOf(other, this.engine.backend);
  }

  /** The key of the object that a backend name belongs to; `undefined` if the name alone doesn't tell. */
  keyAt(name: string): string | undefined {
    return keyAt(this.engine, name);
  }

  /** How long a deletion and a purge are remembered at least, in milliseconds, by the clock of the backend. */
  get deletionsKept(): number {
    return this.engine.gracePeriod;
  }

  /** As it is known now. */
  get head(): Head {
    return this.state.head;
  }

  /** Whether the store was opened by a member, who has a part of its keys. */
  get isMember(): boolean {
    return isMember(this.state);
  }

  /** @throws SecureStoreError `UNAVAILABLE` if the store has been closed */
  checkOpen(): void {
    this.parts.calls.checkOpen();
  }

  /** Looks for a newer head. @throws SecureStoreError `UNAVAILABLE`, `ROLLBACK`, `INTEGRITY`, `LOCKED` */
  async refresh(signal?: AbortSignal): Promise<Head> {
    this.checkOpen();
    await this.engine.monitor.refresh(signal);
    this.engine.monitor.checkFollowing();
    return this.head;
  }

  /** Has jobs of this kind resumed like any other of the store. */
  addKind(kind: JobKind<unknown, unknown>): void {
    this.parts.administration.addKind(kind);
  }

  /** Starts a job that ends with the store, and is listed with its jobs. */
  runJob<P, R>(
    operation: string,
    options: CallOptions | undefined,
    knownOptions: ReadonlySet<string>,
    job: JobStart<P, R>,
  ): Job<R> {
    return this.parts.administration.runJob(operation, options, knownOptions, job);
  }

  /**
   * Opens what reads the changes of the store, registered under `label` if it isn't yet: that switches the journal on.
   *
   * @throws SecureStoreError as `openConsumer` does
   */
  async open(label: string, onDamaged: (alarm: JournalFinding) => void, signal?: AbortSignal): Promise<Consumer> {
    this.checkOpen();
    return openConsumer(this.engine, label, signal, onDamaged);
  }

  /** What the clock of the backend says at least, in milliseconds since 1970; `undefined` if it doesn't tell. */
  async backendNow(signal?: AbortSignal): Promise<number | undefined> {
    return (await this.engine.backend.read(HEAD_NAME, { signal }))?.now;
  }

  /** The bytes at a name, sealed as they lie there. */
  read(name: string, options?: ReadOptions): Promise<ReadResult | undefined> {
    return this.engine.backend.read(name, options);
  }

  /** One page of what is at the backend under `prefix`, in order. @throws SecureStoreError as the listings of the store do */
  list(prefix: string, options: ListOptions): Promise<ListResult> {
    return listPage(this.engine.backend, prefix, options);
  }

  /** Everything at the backend under `prefix`, in order. @throws SecureStoreError as the listings of the store do */
  entries(
    prefix: string,
    options: { readonly after?: string; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ListEntry> {
    return entriesUnder(this.engine.backend, prefix, options);
  }
}
