export type { Anchor, AnchorRecord } from './anchor.ts';
export type { AuditArea } from './audit-area.ts';
export type { AuditSettings } from './audit-head.ts';
export type { AuditEnd } from './audit-ends.ts';
export type { BackupArea } from './backup-area.ts';
export type { CopiedHead } from './copy/copied-head.ts';
export { signalOf } from './call.ts';
export { changeInTime, inTime, stepsInTime, withOneEnd } from './in-time.ts';
export type { Clock } from '@securestore/jobs';
export type { ChangeSettingsOptions, Settings, SettingsAdministration, SettingsChange } from './settings/types.ts';
export type { StoreSettings } from './store-settings.ts';
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
} from './crypto-events.ts';
export type { FoundedStore } from './copy/found-store.ts';
export { foundStore } from './copy/found-store.ts';
export { keysBackend, keysObject, READ_ONLY_CAPABILITIES } from './copy/keys-backend.ts';
export { isGenuineCopy } from './copy/genuine.ts';
export type { BackupSeals } from './copy/seals.ts';
export type { CopiedAccess, CopySettings, UnlockedCopy } from './copy/unlock-copy.ts';
export { unlockCopy } from './copy/unlock-copy.ts';
export type { HeadReading, HealthArea, Probe, UnfinishedMigration } from './health-area.ts';
export type { Alarm, AlarmType } from './journal/alarms.ts';
export type { Consumer, Cut, PassOptions } from './journal/consumer.ts';
export type { KnownObject } from './journal/full-pass.ts';
export type { Change } from './journal/resolve.ts';
export type { CopyKeeper, MutationGate } from './engine.ts';
export type { GrantableGroup, GrantOptions, MemberAdministration, MemberInfo } from './members/administration.ts';
export { isInstance, isSameStore } from './ancestry.ts';
export { ObjectStore } from './object-store.ts';
export type { Moves } from './moving/follow.ts';
export type { Landing } from './moving/landing.ts';
export type { Occupied } from './moving/marker.ts';
export type { LookedOver, Looking } from './moving/look-over.ts';
export type { MigrationArea } from './moving/migration-area.ts';
export { MIGRATION_JOB } from './moving/migration-area.ts';
export type { SealedPayload } from './moving/sealed-payload.ts';
export { joinByToken } from './checkpoint/in-order.ts';
export { isPurged } from './records.ts';
export { mapConcurrently } from './map-concurrently.ts';
export { OWN_AREAS } from './own-objects.ts';
export { WorkGroup } from './work-group.ts';
export { entriesUnder, listPage } from './pages.ts';
export { isTombstoneSize, pastFolder, tokenIn, TokenNames } from './token-names.ts';
export type { NextPolicy, PolicyChanged, PolicyObject } from './policy-object.ts';
export { createObjectStore, openObjectStore, openOrCreateObjectStore, openStoreAnew } from './open.ts';
export type { Missed, Resealed, ResealedCopy } from './moving/resealed-copy.ts';
export type { OpenSettings, StoreContext } from './open-settings.ts';
export type {
  CheckpointOptions,
  DestroyKeysOptions,
  JobAdministration,
  KeyAdministration,
  KeyLike,
  RotateOptions,
  SlotAdministration,
  VerifyOptions,
} from './administration-types.ts';
export type { CheckpointReport } from './checkpoint/make.ts';
export type { DamagedJob, Job, JobProgress, JobSummary, UnfinishedJob } from '@securestore/jobs';
export type { CollectFailure, CollectReport } from './collection/report.ts';
export type { KeyReport, KeyVersionState } from './rekey/keys.ts';
export type { FailedObject } from './own-objects.ts';
export type { RotationDepth, RotationReport } from './rekey/rotate.ts';
export type { Recipient, SlotInfo, SlotRemoval } from './rekey/slots.ts';
export type * from './types.ts';
export type { PassFinding, PassOptions as ScrubPassOptions, PassResult } from './verify/scrub.ts';
export type { Finding, FindingKind, PassCounts, Stray, VerifyProgress, VerifyReport } from './verify/report.ts';
