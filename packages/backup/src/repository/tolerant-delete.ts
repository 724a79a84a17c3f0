import type { StorageBackend } from '@securestore/backend-api';
import type { ErrorCode } from '@securestore/core-format';
import { BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import type { Destination } from './destination.ts';
import { isRefused } from './errors.ts';

/** After so many refusals in a row the rest is left to the next removal: a lock holds the newest files longest. */
const MAX_REFUSED = 100;
/** No point has this name, nor has any other file. */
const PROBE = `${BACKUP_AREAS.points}@`;

/** What a destination refused to remove. */
export interface RefusedRemoval {
  /** Numbers of the snapshots, and of the recovery points between them, that were to be removed: they can be restored as before. */
  readonly snapshots: readonly number[];
  /** Unneeded files that still exist. */
  readonly files: number;
  /** `ACCESS_DENIED` or `READ_ONLY`. */
  readonly code: ErrorCode;
  /** What happened. */
  readonly message: string;
}

/** Removes files, and counts those that the destination refuses to remove. */
export class TolerantDeleter {
  readonly #backend: StorageBackend;
  readonly #url: string;
  #error: SecureStoreError | undefined;
  #inRow = 0;

  constructor({ backend, url }: Destination) {
    this.#backend = backend;
    this.#url = url;
  }

  /**
   * Checks that files may be removed at all, before a removal is published.
   *
   * @throws SecureStoreError `ACCESS_DENIED`, `READ_ONLY`; what the backend throws
   */
  async probe(signal?: AbortSignal): Promise<void> {
    if (await this.#tryRemove(PROBE, signal)) return;
    const { code = 'ACCESS_DENIED' } = this.#error ?? {};
    const message = `nothing can be removed at ${this.#url} (${code}). Nothing was changed.`;
    const advice = [{ id: 'check-backend-access' }] as const;
    throw new SecureStoreError(code, message, { cause: this.#error, advice });
  }

  /** Called before files of another kind, which may be removable though the ones before are not. */
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
   * @param snapshots that were to be removed
   * @param files unneeded ones that still exist
   */
  report(snapshots: readonly number[], files: number): RefusedRemoval | undefined {
    if (this.#error === undefined) return undefined;
    const { code } = this.#error;
    const what = [
      ...(snapshots.length === 0 ? [] : [`${snapshots.length} snapshots and recovery points`]),
      ...(files === 0 ? [] : [`${files} unneeded files`]),
    ];
    const subject = what.length === 0 ? 'unneeded files' : what.join(' and ');
    return {
      snapshots,
      files,
      code,
      message: `${subject} could not be removed at ${this.#url} (${code}). The next removal tries it again.`,
    };
  }
}
