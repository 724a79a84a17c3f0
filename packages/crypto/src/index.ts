export { BlobOpener, BlobSealer } from './seal/blob-seal.ts';
export { release } from './primitives/release.ts';
export { checkpointPageId } from './seal/checkpoint-page.ts';
export {
  ContentDigester,
  DIGEST_BLOCKS,
  DIGEST_LEAF_BYTES,
  digestBlock,
  digestWhole,
} from './primitives/content-digest.ts';
export type { DigestKeys } from './primitives/content-digest.ts';
export { deriveBytes, label, takeKey } from './primitives/derive.ts';
export {
  fingerprintBytes,
  fingerprintOf,
  identityPrivateKey,
  identityPublicKey,
  signAs,
  verifyAs,
} from './keys/identity.ts';
export { openGrant, sealGrant } from './keys/grant-seal.ts';
export type { GrantPlace, UnlockedGrant } from './keys/grant-seal.ts';
export type {
  AuditKeys,
  BackupKeySet,
  CategoryKeys,
  JournalKeys,
  LoadedKey,
  LoadedSystemKey,
} from './keys/key-groups.ts';
export { keyringKey, loadGranted, loadKeyring, wipeGranted, wipeKeyring } from './keys/key-set.ts';
export type { KeySet, KeyVersionInfo, OwnerKeys } from './keys/key-set.ts';
export { HmacKey } from './primitives/hmac.ts';
export type { KeyOperation, KeyUseListener, UsedKey } from './primitives/key-use.ts';
export { RecentCache } from './primitives/recent-cache.ts';
export { NameCipher, veilIds } from './names/names.ts';
export type { LocatedName, NameKeys, OpenedToken } from './names/names.ts';
export { randomPool } from './primitives/random.ts';
export type { RandomSource } from './primitives/random.ts';
export { checkRecordKey, openRecord, recordDigest, rewrapRecord, sealRecord } from './seal/record-seal.ts';
export type { RecordKey } from './seal/record-seal.ts';
export { openSlot, resealSlot, sealSlot, sealSlotTo } from './unlock/slot-seal.ts';
export type { SlotContext } from './unlock/slot-keys.ts';
export type { UnlockedSlot } from './unlock/slot-seal.ts';
export { holdSecret } from './unlock/held-secret.ts';
export type { HeldSecret } from './unlock/held-secret.ts';
export { keyWrapper } from './key-service/key-wrapper.ts';
export type {
  KeyWrapper,
  KeyWrapperMethod,
  KeyWrapperOptions,
  WrapContext,
  WrapOptions,
} from './key-service/key-wrapper.ts';
export { formatRecipient, generateIdentity, identity, readRecipient, recipientOf } from './unlock/recipient.ts';
export { openSealed, sealTo } from './keys/seal-to.ts';
export { startLoadingSodium } from './primitives/load-sodium.ts';
export { loadSuites, SUITE_IDS, suiteOf } from './primitives/suites.ts';
export type { ChunkCipher, Suite } from './primitives/suite.ts';
export { openSystemBody, sealSystemBody, unversioned } from './seal/system-seal.ts';
export type { SystemKey, SystemKeyFinder } from './seal/system-seal.ts';
export { generateRecoveryCode, recoveryCode } from './unlock/recovery-code.ts';
export { generateShares, shares } from './unlock/shares.ts';
export { keyFileContents, passphrase, rawKey } from './unlock/unlock.ts';
export type { UnlockSecretMethod, UnlockSecretSource, ShareScheme, UnlockMethod } from './unlock/unlock.ts';
