import type { BackendCapacity } from '@securestore/backend-api';
import type { SecureStoreError } from '@securestore/core-format';
import { HEAD_NAME, probeName } from '@securestore/core-format';
import { sealSystemBody } from '@securestore/crypto';
import type { StateStorage } from '@securestore/jobs';
import { elapsedSince } from '@securestore/jobs';
import { keptStates } from '../replica/copy/state-store.ts';
import { openStoreUrl } from '../head/move/sealed-location.ts';
import { MIGRATION_JOB } from './migration-extension.ts';
import type { EncryptionKeyInfo } from '../maintenance/keys/keys.ts';
import { reportOf } from '../maintenance/keys/keys.ts';
import { parseHead } from '../head/store-state.ts';
import { StoreArea } from './extension.ts';
import { contextOf } from '../engine/sealed-objects.ts';
import type { ScrubPassOptions, PassResult } from '../maintenance/verify/scrub.ts';
import { bytesFrom, countObjects, scrubFrom } from '../maintenance/verify/scrub.ts';

const PROBE_NAME_LENGTH = 16;
/** In bytes: as much as a small object. */
const PROBE_LENGTH = 256;

/** A small object that is written, read and removed again, to see whether that goes. */
export interface Probe {
  write(signal?: AbortSignal): Promise<void>;
  /** @returns whether what was written lies there, and when it was written by the backend's clock; `undefined` if nothing lies there */
  read(signal?: AbortSignal): Promise<{ readonly same: boolean; readonly modified: number } | undefined>;
  remove(signal?: AbortSignal): Promise<void>;
}

/** A head as it was read just now. */
export interface HeadReading {
  readonly generation: number;
  /** What the backend's clock said, in milliseconds since 1970; absent if it doesn't tell. */
  readonly now?: number;
}

/** A migration that has begun and not ended: the store is where it was. */
export interface UnfinishedMigration {
  /** Where to, without credentials. */
  readonly to: string;
  /** When somebody was last at it, in milliseconds since 1970: as far as its job says, or the head that it changed. */
  readonly since: number;
  /** Whether somebody is at it now. */
  readonly isRunning: boolean;
}

/** What watching over a store needs of it. How it is judged the engine does not know: `@securestore/health` does. */
export class HealthArea extends StoreArea {
  /** How much room the backend has; `undefined` if it doesn't tell. @throws SecureStoreError what the backend throws */
  async capacity(): Promise<BackendCapacity | undefined> {
    return this.engine.backend.capacity?.();
  }

  /** The backend's own name. */
  get backend(): string {
    return this.engine.backend.name;
  }

  /** Whether the backend's clock is this machine's and a record of its own, which can be set back. */
  get canResetClock(): boolean {
    return this.engine.backend.resetClock !== undefined;
  }

  /** How long ago what is known of the head was seen to be right, in milliseconds. */
  get confirmedAgo(): number {
    return elapsedSince(this.engine.monitor.confirmed, this.engine.clock);
  }

  /** All key versions that are known now. */
  get keys(): readonly EncryptionKeyInfo[] {
    return this.state.keys.versions.map((info) => reportOf(this.state, info));
  }

  /**
   * Reads the head as it lies at the backend, and follows it.
   *
   * @returns `undefined` if none lies there
   * @throws SecureStoreError `INTEGRITY`, `ROLLBACK`, `LOCKED`, `ACCESS_DENIED`, and what the backend throws
   */
  async readHead(signal?: AbortSignal): Promise<HeadReading | undefined> {
    const found = await this.engine.backend.read(HEAD_NAME, { signal });
    if (found === undefined) return undefined;
    const { head } = parseHead(found);
    await this.engine.monitor.refresh(signal);
    this.engine.monitor.checkFollowing();
    return { generation: head.generation, ...(found.now !== undefined && { now: found.now }) };
  }

  /**
   * Why this process can't go on with the store by itself, such as `LOCKED` if its slot is gone or the store has moved; `undefined` if it
   * can. What may pass, such as a backend that can't be reached now, is no reason.
   *
   * @param signal ends a look at the head, if one is due; then what is known by that time is told
   */
  async blocked(signal?: AbortSignal): Promise<SecureStoreError | undefined> {
    const { monitor } = this.engine;
    try {
      await monitor.acknowledge(signal);
    } catch {
      // What matters of it is known now.
    }
    return monitor.blocked;
  }

  /** Whether writes of this process are refused now, since they wait for a backup that does not go on. */
  get isShut(): boolean {
    return this.engine.copies.gate?.isShut ?? false;
  }

  /** Has `listener` told once nothing but opening the store again is likely to help this process. */
  onLost(listener: (error: SecureStoreError) => void): void {
    this.engine.monitor.onLost(listener);
  }

  /**
   * The migration that the head tells of; `undefined` if the store does not move.
   *
   * @throws SecureStoreError `INTEGRITY`, and what reading its job throws
   */
  async migration(signal?: AbortSignal): Promise<UnfinishedMigration | undefined> {
    const { state } = this.engine.monitor;
    const { migration, time } = state.head;
    if (migration === undefined) return undefined;
    const to = openStoreUrl(state, migration);
    const jobs = await this.parts.administration.jobs.list({ signal });
    const job = jobs.find(({ id }) => id === MIGRATION_JOB);
    if (job === undefined || job.state === 'damaged') return { to, since: time, isRunning: false };
    return { to, since: Math.max(time, job.updated), isRunning: job.state !== 'interrupted' };
  }

  /** A probe at a fresh name. One that stays is removed by a collection. */
  probe(): Probe {
    const { backend, random, monitor } = this.engine;
    const { state } = monitor;
    const name = probeName(random(PROBE_NAME_LENGTH));
    // Also if the head can't be confirmed now, which is for others to say.
    const plaintext = Buffer.alloc(PROBE_LENGTH);
    const body = sealSystemBody(state.keys.journal.primary, 'marker', contextOf(state, name), plaintext, random);
    return {
      async write(signal) {
        await backend.write(name, body, { ifAbsent: true, signal });
      },
      async read(signal) {
        const found = await backend.read(name, { signal });
        return found && { same: Buffer.compare(found.body, body) === 0, modified: found.modified };
      },
      remove: (signal) => backend.delete(name, { signal }),
    };
  }

  /** When a name at the backend was last written, by the clock of the backend; `undefined` if nothing is there. @throws what the backend throws */
  async writtenAt(name: string, signal?: AbortSignal): Promise<number | undefined> {
    return (await this.engine.backend.read(name, { start: 0, end: 1, signal }))?.modified;
  }

  /** Counts the names of objects, deleted ones too, by listing them. */
  count(signal?: AbortSignal): Promise<number> {
    return countObjects(this.engine, signal);
  }

  /** How many bytes there are to read from a position on, by listing them. @throws SecureStoreError what the backend throws */
  bytesFrom(options: Pick<ScrubPassOptions, 'after' | 'payloads' | 'signal'>): Promise<number> {
    return bytesFrom(this.engine, options);
  }

  /** Reads the store from a position on: see {@link ScrubPassOptions}. @throws as `verify` does */
  scrub(options: ScrubPassOptions): Promise<PassResult> {
    this.checkOpen();
    return scrubFrom(this.engine, options);
  }

  /** What is kept in the store under labels: of its health. A damaged one is empty. Every member has its key. */
  get states(): StateStorage {
    return keptStates(this.engine, 'health ');
  }
}
