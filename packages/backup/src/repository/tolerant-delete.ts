import type { StorageBackend } from '@securestore/backend-api';
import type { ErrorCode } from '@securestore/core-format';
import { BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import type { Destination } from './destination.ts';
import { isRefused } from './errors.ts';

/** After so many refusals one after the other what comes is left to the next time: a lock holds what is newest for longest. */
const MAX_REFUSED = 100;
/** No point has this name, nor has any other file. */
const PROBE = `${BACKUP_AREAS.points}@`;
const ADVICE =
  'Where a lock holds it, run this again when that has ended; where the credentials may not delete, with some that may';

/** What a place did not let go. */
export interface RefusedRemoval {
  /** Numbers of the snapshots, and of the moments between them, that were to go and stay: they can be restored as before. */
  readonly snapshots: readonly number[];
  /** Files that nothing needs any more and that are there still. */
  readonly files: number;
  /** `ACCESS_DENIED` or `READ_ONLY`. */
  readonly code: ErrorCode;
  /** What happened, and what to do. */
  readonly message: string;
}

/** Removes files, and keeps account of those that the place does not let go. */
export class TolerantDeleter {
  readonly #backend: StorageBackend;
  readonly #location: string;
  #error: SecureStoreError | undefined;
  #inRow = 0;

  constructor({ backend, location }: Destination) {
    this.#backend = backend;
    this.#location = location;
  }

  /**
   * Makes sure that something may be removed at all, before that is announced.
   *
   * @throws SecureStoreError `ACCESS_DENIED`, `READ_ONLY`; what the backend throws
   */
  async probe(signal?: AbortSignal): Promise<void> {
    if (await this.#tryRemove(PROBE, signal)) return;
    const { code = 'ACCESS_DENIED' } = this.#error ?? {};
    const message = `${this.#location}: nothing may be removed here (${code}), so nothing was, and nothing was announced to be. ${ADVICE}. Backups, verify and restores need no such right`;
    throw new SecureStoreError(code, message, { cause: this.#error });
  }

  /** To be called when other files are tried, that may be removed though the ones before may not. */
  begin(): void {
    this.#inRow = 0;
  }

  /** @returns whether it is gone */
  async remove(name: string, signal: AbortSignal | undefined): Promise<boolean> {
    const isGone = this.#inRow < MAX_REFUSED && (await this.#tryRemove(name, signal));
    this.#inRow = isGone ? 0 : this.#inRow + 1;
    return isGone;
  }

  async #tryRemove(name: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#backend.delete(name, { signal });
      return true;
    } catch (error) {
      if (!isRefused(error) || !SecureStoreError.is(error)) throw error;
      this.#error ??= error;
      return false;
    }
  }

  /**
   * What was refused; `undefined` if nothing was.
   *
   * @param snapshots that were to go and stay
   * @param files that nothing needs and that are there still
   */
  report(snapshots: readonly number[], files: number): RefusedRemoval | undefined {
    if (this.#error === undefined) return undefined;
    const { code } = this.#error;
    const what = [
      ...(snapshots.length === 0 ? [] : [`${snapshots.length} of the snapshots and moments that were to go`]),
      ...(files === 0 ? [] : [`${files} files that nothing needs`]),
    ];
    const subject = what.length === 0 ? 'what nothing needs' : what.join(' and ');
    return {
      snapshots,
      files,
      code,
      message: `${this.#location}: ${subject} could not be removed (${code}). ${ADVICE}`,
    };
  }
}
