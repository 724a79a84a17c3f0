import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { MigrationFailure } from './types.ts';

/** What a run has written, and what of the store it could not copy. */
export class Tally {
  /** By name: damage of one object does not prevent the migration of others. */
  readonly failed: Map<string, MigrationFailure> = new Map();
  /** How many other failures there are, which are not listed. */
  untold = 0;
  versions = 0;
  bytes = 0;
  readonly #tolerated: ReadonlySet<ErrorCode>;

  /** @param tolerated codes of errors of one object; any other error ends the run */
  constructor(tolerated: readonly ErrorCode[]) {
    this.#tolerated = new Set(tolerated);
  }

  count(versions: number, bytes: number): void {
    this.versions += versions;
    this.bytes += bytes;
  }

  fail(failure: MigrationFailure): void {
    this.failed.set(failure.name, failure);
  }

  tolerates(error: unknown): error is SecureStoreError {
    return SecureStoreError.is(error) && this.#tolerated.has(error.code);
  }

  /** Copies the object of a name, or notes why it can't be copied. */
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
