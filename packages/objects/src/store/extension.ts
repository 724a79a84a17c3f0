import type { BackendCapabilities, Nesting, StorageBackend } from '@securestore/backend-api';
import { nestingOf } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import type { RandomSource } from '@securestore/crypto';
import type { Clock, Job, JobKind } from '@securestore/jobs';
import type { JobStart } from './administration-types.ts';
import type { Administration } from './administration.ts';
import type { Engine } from '../engine/engine.ts';
import type { OpenCalls } from './call-gate.ts';
import { isMember } from '../head/owner-keys.ts';
import type { CallOptions } from '../api/types.ts';

/** What packages that work on a store beside its callers all need of it. */
export class StoreArea {
  readonly #engine: Engine;
  readonly #calls: OpenCalls;
  readonly #administration: Administration;

  constructor(engine: Engine, calls: OpenCalls, administration: Administration) {
    this.#engine = engine;
    this.#calls = calls;
    this.#administration = administration;
  }

  get clock(): Clock {
    return this.#engine.clock;
  }

  get random(): RandomSource {
    return this.#engine.random;
  }

  get capabilities(): BackendCapabilities {
    return this.#engine.backend.capabilities;
  }

  /** How another place lies to where the store is, on this machine. */
  nestingOf(other: StorageBackend): Promise<Nesting | undefined> {
    return nestingOf(other, this.#engine.backend);
  }

  /** As it is known now. */
  get head(): Head {
    return this.#engine.watcher.state.head;
  }

  /** Whether the store was opened by a member, who has a part of its keys. */
  get isMember(): boolean {
    return isMember(this.#engine.watcher.state);
  }

  /** @throws SecureStoreError `UNAVAILABLE` where the store has been closed */
  checkOpen(): void {
    this.#calls.checkOpen();
  }

  /** Has jobs of this kind resumed like any other of the store. */
  addKind(kind: JobKind<unknown, unknown>): void {
    this.#administration.addKind(kind);
  }

  /** Starts a job that ends with the store, and is listed with its jobs. */
  runJob<P, R>(
    operation: string,
    options: CallOptions | undefined,
    knownOptions: ReadonlySet<string>,
    job: JobStart<P, R>,
  ): Job<R> {
    return this.#administration.runJob(operation, options, knownOptions, job);
  }
}
