import { SecureStoreError } from '@securestore/core-format';
import type { KeptReason } from './retention.ts';

/** How many failures are named at most. */
const MAX_NAMED = 1000;

/** Something that could not be looked at or removed. */
export interface GcFailure {
  /** Its name at the backend: its true name may not be readable. */
  readonly name: string;
  readonly code: string;
}

/** What a collection did. */
export interface GcReport {
  /** Names looked at: objects and deleted ones. */
  objects: number;
  /** Expired objects that were deleted. */
  expired: number;
  /** Past versions that were removed. */
  versions: number;
  /** Past versions that were kept, by the first reason that holds. */
  readonly kept: Record<KeptReason, number>;
  /** Deleted objects that were forgotten. */
  tombstones: number;
  /** Payloads that no version has, and their parts, that were removed. */
  blobs: number;
  parts: number;
  /** Bytes at the backend that were freed. */
  bytes: number;
  /**
   * Collection markers, and keyrings and other objects of the store's own, that were removed; also what lay at names of
   * such objects and nobody who has the keys had written.
   */
  systemObjects: number;
  /** How many things could not be collected, and the first 1000 of them. */
  failed: number;
  readonly failures: GcFailure[];
}

export function emptyReport(): GcReport {
  return {
    objects: 0,
    expired: 0,
    versions: 0,
    kept: { young: 0, unread: 0, newest: 0, recent: 0 },
    tombstones: 0,
    blobs: 0,
    parts: 0,
    bytes: 0,
    systemObjects: 0,
    failed: 0,
    failures: [],
  };
}

const CONCERNS_ALL: ReadonlySet<string> = new Set(['ABORTED', 'LOCKED', 'ROLLBACK', 'READ_ONLY', 'INTERNAL']);

/** Counts what went wrong with one name. @throws what concerns more than that */
export function noteFailure(report: GcReport, name: string, error: unknown): void {
  if (!SecureStoreError.is(error) || error.retryable || CONCERNS_ALL.has(error.code)) throw error;
  report.failed += 1;
  if (report.failures.length < MAX_NAMED) report.failures.push({ name, code: error.code });
}
