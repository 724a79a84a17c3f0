import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { FailedMove } from './types.ts';

/** What a run has written, and what of the store it could not bring. */
export class Tally {
  /** By name: what is wrong with one object keeps no other from being moved. */
  readonly failed: Map<string, FailedMove> = new Map();
  /** What is wrong beside that, and is not told of one by one. */
  untold = 0;
  versions = 0;
  bytes = 0;
  readonly #tolerated: ReadonlySet<ErrorCode>;

  /** @param tolerated what may be wrong with one object; whatever else happens ends the run */
  constructor(tolerated: readonly ErrorCode[]) {
    this.#tolerated = new Set(tolerated);
  }

  count(versions: number, bytes: number): void {
    this.versions += versions;
    this.bytes += bytes;
  }

  fail(failure: FailedMove): void {
    this.failed.set(failure.name, failure);
  }

  tolerates(error: unknown): error is SecureStoreError {
    return SecureStoreError.is(error) && this.#tolerated.has(error.code);
  }

  /** Brings what has a name, or notes why that can't be. */
  async tolerating(name: string, bring: () => Promise<void>): Promise<void> {
    try {
      await bring();
      this.failed.delete(name);
    } catch (error) {
      if (!this.tolerates(error)) throw error;
      this.fail({ name, code: error.code, message: error.message });
    }
  }
}
