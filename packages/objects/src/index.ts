export type { Anchor, AnchorRecord, KnownStore } from './head/trust/anchor.ts';
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
  RootKeyEvent,
  SlotEvent,
  SuiteRefusedEvent,
  UnlockEvent,
} from './api/crypto-events.ts';
export type { GrantableArea, GrantOptions, MemberAdministration, MemberInfo } from './maintenance/keys/members.ts';
export type { MigrationTargets } from './head/move/follow-redirect.ts';
export { createObjectStore, ObjectStore, openObjectStore, openOrCreateObjectStore } from './internal.ts';
export type { OpenSettings, StoreContext } from './head/open-settings.ts';
export type {
  CheckpointOptions,
  GcOptions,
  DestroyEncryptionKeysOptions,
  JobAdministration,
  EncryptionKeyAdministration,
  UnlockSecret,
  RotateOptions,
  SlotAdministration,
  VerifyOptions,
} from './store/administration-types.ts';
export type { CheckpointReport } from './checkpoint/make.ts';
export type { DamagedJob, Job, JobProgress, JobSummary, UnfinishedJob } from '@securestore/jobs';
export type { GcFailure, GcReport } from './maintenance/gc/report.ts';
export type { EncryptionKeyInfo, EncryptionKeyState } from './maintenance/keys/keys.ts';
export type { FailedObject } from './engine/scan-sealed-objects.ts';
export type { RotationDepth, RotationReport } from './maintenance/keys/rotate.ts';
export type { RemovedSlot } from './maintenance/keys/rotation-plan.ts';
export type { Recipient, SlotInfo, SlotRemoval } from './maintenance/keys/slots.ts';
export type { SecureStorage } from './api/secure-storage.ts';
export type * from './api/types.ts';
export type {
  Finding,
  FindingKind,
  PassCounts,
  ForeignObject,
  VerifyProgress,
  VerifyReport,
} from './maintenance/verify/report.ts';
