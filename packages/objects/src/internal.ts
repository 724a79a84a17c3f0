/**
 * The values that the packages of this repository take from the engine, beside those for users. They change without notice: nothing else may
 * import this entry. It has the values of the entry `.` too, so that a program which opens a store reads one file of the engine.
 */
export { extensionsOf, ObjectStore } from './store/object-store.ts';
export type { StoreExtensions } from './store/extensions.ts';
export type { BackupArea } from './store/backup-extension.ts';
export type { HeadReading, HealthArea, UnfinishedMigration } from './store/health-extension.ts';
export type { MigrationArea } from './store/migration-extension.ts';
export { MIGRATION_JOB } from './store/migration-extension.ts';
export {
  createObjectStore,
  openCopy,
  openFounded,
  openObjectStore,
  openOrCreateObjectStore,
  openStoreAnew,
} from './store/open.ts';
export type { NextPolicy, PolicyObject } from './store/policy-extension.ts';
export type { BackupSeals } from './replica/copy/backup-cipher.ts';
export type { CopiedHead } from './replica/copy/copy-head.ts';
export { isGenuineCopy, keysObject, READ_ONLY_CAPABILITIES } from './replica/copy/read-only-backend.ts';
export type { FoundedStore } from './replica/copy/restore-target.ts';
export { foundStore } from './replica/copy/restore-target.ts';
export type { CopiedAccess, CopySettings, UnlockedCopy } from './replica/copy/unlock-copy.ts';
export { unlockCopy } from './replica/copy/unlock-copy.ts';
export type { RestoreSource } from './replica/copy/restore-begun.ts';
export { begunWith } from './replica/copy/restore-begun.ts';
export type { Missed, ReEncryptedCopy } from './replica/migration/re-encrypted-copy.ts';
export type { Occupied } from './replica/migration/target-reservation.ts';
export type { SealedPayload } from './replica/migration/verify-payload-parts.ts';
export type { VerifiedRecords, VerifyRecordsOptions } from './replica/migration/verify-target.ts';
export type { PassFinding, PassResult } from './maintenance/verify/scrub.ts';
export type { JournalFinding } from './journal/alarms.ts';
export type { Consumer } from './journal/consumer.ts';
export type { KnownObject } from './journal/full-scan-diff.ts';
export type { Change } from './journal/resolve-hints.ts';
export { isTombstoneSize, pastFolder, tokenIn, TokenNames } from './record/encoded-names.ts';
export { isPurged } from './record/open-record.ts';
export type { CopyKeeper, MutationGate } from './engine/engine.ts';
export { OWN_AREAS } from './engine/scan-sealed-objects.ts';
export { isInstance, isSameStore } from './head/ancestry.ts';
export { CONTINUES_HISTORY } from './api/continued-history.ts';
export { newestMissing } from './object/history.ts';
export { signalOf } from './api/call-boundary.ts';
export { changeInTime, inTime, withOneEnd } from './api/timed-call.ts';
export { entriesUnder, listPage } from './util/listing.ts';
export { mapConcurrently } from './util/map-concurrently.ts';
export { joinByToken } from './util/merge-by-token.ts';
export { WorkGroup } from './util/task-group.ts';
