import type { StorageBackend } from '@securestore/backend-api';
import type { AuditEnd } from '../head/trust/audit-segment-ends.ts';
import type { NameCipher } from '@securestore/crypto';
import type { JournalWriter } from './journal-writer.ts';
import type { KeyedMutex } from '../util/keyed-mutex.ts';
import type { JournalPorts } from './ports.ts';
import type { RelocatableBackend } from './relocatable-backend.ts';
import type { RecordCache } from './record-cache.ts';

/** Looks after the copies of a store at the destinations of its backups. */
export interface CopyKeeper {
  /**
   * Brings everything that is copied under the keys of now, and counts what lies under which key version, by its id.
   *
   * @returns which destinations could not be reached or looked through, by their names: what they hold may lie under any key
   */
  readonly rekey: (signal: AbortSignal | undefined) => Promise<{
    readonly counts: ReadonlyMap<string, number>;
    readonly pending: readonly string[];
  }>;
  /** Replaces the keys that lie there by those of now. @returns the destinations where that could not be done */
  readonly replaceKeys: (signal: AbortSignal | undefined) => Promise<readonly string[]>;
  /**
   * The same for those destinations alone at which slots, keys, members or the policy are others than now. It waits for none for long.
   *
   * @returns the destinations where that could not be done
   */
  readonly bringAccess: (signal: AbortSignal | undefined) => Promise<readonly string[]>;
}

/** Stands around every mutation: what is not copied elsewhere too is not acknowledged. */
export interface MutationGate {
  /** Whether mutations are refused now, as far as it is known without trying one. */
  readonly isShut: boolean;
  /** Asked before anything is changed. @throws SecureStoreError where it could not be copied now */
  readonly before: () => void;
  /** Awaited before a mutation that took effect is acknowledged. @throws SecureStoreError where it could not be copied */
  readonly after: (signal: AbortSignal | undefined) => Promise<void>;
}

/** What the parts of the engine share. */
export interface Engine extends JournalPorts {
  readonly names: NameCipher;
  readonly cache: RecordCache;
  /** Mutations of one object by this process take turns instead of losing races to each other. */
  readonly turns: KeyedMutex;
  /** Those of the backend where the store is now: derived engines follow them, see {@link withBackend}. */
  readonly limits: Limits;
  /** Where the store is, where this process follows it to another store URL; then `backend` is that of it. */
  readonly place?: RelocatableBackend | undefined;
  readonly journal: JournalWriter;
  /** How far the audit log of this process goes, where it writes one. */
  readonly audit: { end?: (() => AuditEnd | undefined) | undefined };
  /** Copies of the store elsewhere, which follow its keys. */
  readonly copies: {
    keeper?: CopyKeeper | undefined;
    gate?: MutationGate | undefined;
    /** Whether who has access is not known at all destinations as it is now, as far as this process knows. */
    isBehind?: boolean;
  };
  /** How old, in milliseconds, what nobody needs must be before it is collected: {@link GRACE_PERIOD} but in tests. */
  readonly gracePeriod: number;
}

/**
 * 24 hours. Whoever works with something that no record names yet has half of it, by a clock of its own, to commit or
 * to claim; the other half is for requests that are long under way, and for clocks that run at different speeds.
 */
export const GRACE_PERIOD: number = 24 * 60 * 60 * 1000;

/** The engine over another backend, such as its own behind a layer. Its limits change with those of `engine`, when the store moves. */
export function withBackend(engine: Engine, backend: StorageBackend): Engine {
  return {
    ...engine,
    backend,
    get limits() {
      return engine.limits;
    },
  };
}

/** The engine for a mutation, which must not be half in one place and half in another. */
export function pinned(engine: Engine): Engine {
  return engine.place === undefined ? engine : withBackend(engine, engine.place.pinned);
}

/** How payloads are cut for the backend at hand. */
export interface Limits {
  /** The largest payload in the record itself, in bytes. */
  readonly inline: number;
  readonly maxRecord: number;
  readonly chunkSize: number;
  /** Chunks in each part. */
  readonly chunksPerPart: number;
}
