export type { Anchor, AnchorRecord } from './head/trusted-state.ts';
export type { AuditArea } from './store/audit-extension.ts';
export type { AuditSettings } from './maintenance/audit/audit-settings.ts';
export type { AuditEnd } from './head/audit-segment-ends.ts';
export type { BackupArea } from './store/backup-extension.ts';
export type { CopiedHead } from './replica/copy/copy-head.ts';
export { signalOf } from './api/call-boundary.ts';
export { changeInTime, inTime, stepsInTime, withOneEnd } from './api/timed-call.ts';
export type { Clock } from '@securestore/jobs';
export type { ChangeSettingsOptions, Settings, SettingsAdministration, SettingsChange } from './api/settings-types.ts';
export type { StoreSettings } from './api/create-settings.ts';
export type {
  CryptoEvent,
  CryptoEventListener,
  CryptoKey,
  CryptoOutcome,
  KeyEvent,
  KeyUseEvent,
  MemberEvent,
  RootEvent,
  SlotEvent,
  SuiteRefusedEvent,
  UnlockEvent,
} from './api/crypto-events.ts';
export type { FoundedStore } from './replica/copy/restore-target.ts';
export { foundStore } from './replica/copy/restore-target.ts';
export { keysBackend, keysObject, READ_ONLY_CAPABILITIES } from './replica/copy/read-only-backend.ts';
export { isGenuineCopy } from './replica/copy/verify-copy.ts';
export type { BackupSeals } from './replica/copy/backup-cipher.ts';
export type { CopiedAccess, CopySettings, UnlockedCopy } from './replica/copy/unlock-copy.ts';
export { unlockCopy } from './replica/copy/unlock-copy.ts';
export type { HeadReading, HealthArea, Probe, UnfinishedMigration } from './store/health-extension.ts';
export type { Alarm, AlarmType } from './journal/alarms.ts';
export type { Consumer, Cut, PassOptions } from './journal/consumer.ts';
export type { KnownObject } from './journal/full-scan-diff.ts';
export type { Change } from './journal/resolve-hints.ts';
export type { CopyKeeper, MutationGate } from './engine/engine.ts';
export type { GrantableGroup, GrantOptions, MemberAdministration, MemberInfo } from './maintenance/keys/members.ts';
export { isInstance, isSameStore } from './head/ancestry.ts';
export { ObjectStore } from './store/object-store.ts';
export type { Moves } from './head/follow-redirect.ts';
export type { Landing } from './replica/migration/cutover.ts';
export type { Occupied } from './replica/migration/target-reservation.ts';
export type { LookedOver, Looking } from './replica/migration/verify-target.ts';
export type { MigrationArea } from './store/migration-extension.ts';
export { MIGRATION_JOB } from './store/migration-extension.ts';
export type { SealedPayload } from './replica/migration/verify-payload-parts.ts';
export { joinByToken } from './util/merge-by-token.ts';
export { isPurged } from './record/open-record.ts';
export { mapConcurrently } from './util/map-concurrently.ts';
export { OWN_AREAS } from './engine/scan-sealed-objects.ts';
export { WorkGroup } from './util/task-group.ts';
export { entriesUnder, listPage } from './util/listing.ts';
export { isTombstoneSize, pastFolder, tokenIn, TokenNames } from './record/encoded-names.ts';
export type { NextPolicy, PolicyChanged, PolicyObject } from './store/policy-extension.ts';
export { openCopy, openFounded } from './store/open-copy.ts';
export { createObjectStore, openObjectStore, openOrCreateObjectStore, openStoreAnew } from './store/open.ts';
export type { Missed, Resealed, ResealedCopy } from './replica/migration/re-encrypted-copy.ts';
export type { OpenSettings, StoreContext } from './head/open-settings.ts';
export type {
  CheckpointOptions,
  DestroyKeysOptions,
  JobAdministration,
  KeyAdministration,
  KeyLike,
  RotateOptions,
  SlotAdministration,
  VerifyOptions,
} from './store/administration-types.ts';
export type { CheckpointReport } from './checkpoint/make.ts';
export type { DamagedJob, Job, JobProgress, JobSummary, UnfinishedJob } from '@securestore/jobs';
export type { CollectFailure, CollectReport } from './maintenance/gc/report.ts';
export type { KeyReport, KeyVersionState } from './maintenance/keys/keys.ts';
export type { FailedObject } from './engine/scan-sealed-objects.ts';
export type { RotationDepth, RotationReport } from './maintenance/keys/rotate.ts';
export type { Recipient, SlotInfo, SlotRemoval } from './maintenance/keys/slots.ts';
export type * from './api/types.ts';
export type { PassFinding, PassOptions as ScrubPassOptions, PassResult } from './maintenance/verify/scrub.ts';
export type {
  Finding,
  FindingKind,
  PassCounts,
  Stray,
  VerifyProgress,
  VerifyReport,
} from './maintenance/verify/report.ts';
