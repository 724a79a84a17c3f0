export { BlobOpener, BlobSealer, release } from './blob-seal.ts';
export { checkpointPageId } from './checkpoint-page.ts';
export { ContentDigester, DIGEST_LEAF_BYTES, digestWhole } from './content-digest.ts';
export type { DigestKeys } from './content-digest.ts';
export { deriveBytes, label, takeKey } from './derive.ts';
export {
  fingerprintBytes,
  fingerprintOf,
  identityPrivateKey,
  identityPublicKey,
  signAs,
  verifyAs,
} from './identity.ts';
export { openGrant, sealGrant } from './grant-seal.ts';
export type { GrantPlace, UnlockedGrant } from './grant-seal.ts';
export type { AuditKeys, BackupKeySet, CategoryKeys, JournalKeys, LoadedKey } from './key-groups.ts';
export { keyringKey, loadGranted, loadKeyring, wipeGranted, wipeKeyring } from './key-set.ts';
export type { KeySet, KeyVersionInfo, OwnerKeys } from './key-set.ts';
export type { KeyOperation, KeyUseListener, UsedKey } from './key-use.ts';
export { RecentCache } from './recent-cache.ts';
export { NameCipher, veilIds } from './names.ts';
export type { LocatedName, NameKeys, OpenedToken } from './names.ts';
export { randomPool } from './random.ts';
export type { RandomSource } from './random.ts';
export { openRecord, recordDigest, rewrapRecord, sealRecord } from './record-seal.ts';
export type { RecordKey } from './record-seal.ts';
export { openSlot, resealSlot, sealSlot, sealSlotTo } from './slot-seal.ts';
export type { SlotContext } from './slot-keys.ts';
export type { UnlockedSlot } from './slot-seal.ts';
export { holdSecret } from './held-secret.ts';
export type { HeldSecret } from './held-secret.ts';
export { keyWrapper } from './key-wrapper.ts';
export type { KeyWrapper, KeyWrapperMethod, KeyWrapperOptions, WrapContext, WrapOptions } from './key-wrapper.ts';
export { formatRecipient, generateIdentity, identity, readRecipient, recipientOf } from './recipient.ts';
export { openSealed, sealTo } from './seal-to.ts';
export { loadSuites, SUITE_IDS, suiteOf } from './suites.ts';
export type { ChunkCipher, Suite } from './suite.ts';
export { openSystemBody, sealSystemBody, unversioned } from './system-seal.ts';
export type { SystemKey, SystemKeyFinder } from './system-seal.ts';
export { generateRecoveryCode, recoveryCode } from './recovery-code.ts';
export { generateShares, shares } from './shares.ts';
export { keyFileContents, passphrase, rawKey } from './unlock.ts';
export type { SecretMethod, SecretSource, ShareScheme, UnlockMethod } from './unlock.ts';
