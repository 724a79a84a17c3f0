import { checkNodeVersion } from './node-version.ts';

export * from './audit-batch.ts';
export * from './audit-entry.ts';
export * from './audit-header.ts';
export * from './backend-names.ts';
export * from './backup-index.ts';
export * from './backup-keys.ts';
export * from './backup-names.ts';
export * from './backup-pack.ts';
export * from './backup-point.ts';
export { decodeBase32, encodeBase32, encodeNumber } from './base32.ts';
export * from './blob.ts';
export * from './body.ts';
export { ADVICE_IDS, parseAdvice } from './advice.ts';
export type { Advice, AdviceId } from './advice.ts';
export { asBuffer, ByteReader, ByteWriter, copyOf, copySecret, isZero, MAX_TIME, secretBytes } from './bytes.ts';
export * from './category-map.ts';
export * from './checkpoint.ts';
export * from './consumer.ts';
export {
  flushFolder,
  flushFolderSync,
  flushFoundSync,
  makeFolderDurably,
  makeFolderDurablySync,
  replaceFile,
  writeNewFile,
} from './durable-file.ts';
export { ERROR_CODES, errorPageOf, exitCodeOf, isDamage, SecureStoreError } from './errors.ts';
export type { ErrorCode, ErrorDetails, LockReason } from './errors.ts';
export type { Field } from './fields.ts';
export { fileError, systemReasonOf, systemCodeOf } from './file-error.ts';
export * from './grants.ts';
export * from './head.ts';
export * from './head-audit.ts';
export { MAX_SEALED_LOCATION_BYTES } from './head-migration.ts';
export type { HeadMigration } from './head-migration.ts';
export { MAX_PAST_INSTANCES } from './head-optional.ts';
export type { Reference, ReferenceKind } from './head-references.ts';
export * from './hint.ts';
export { MAX_KEY_BYTES, parseStoreKey } from './key-name.ts';
export type { StoreKey } from './key-name.ts';
export { byBytes } from './key-order.ts';
export { decodeKeyring, encodeKeyring } from './keyring.ts';
export type { KeyGroup, KeyGroupKind, Keyring, KeyState, KeyVersion } from './keyring.ts';
export { isLoopback } from './loopback.ts';
export * from './marker.ts';
export { withoutOwn } from './own-variables.ts';
export { compilePattern, patternsMeet } from './pattern.ts';
export type { KeyTest } from './pattern.ts';
export * from './record.ts';
export * from './slot.ts';
export * from './system-body.ts';
export { textLines, trimmedText } from './text-lines.ts';
export { compareVersions, formatVersion, parseVersion } from './version.ts';
export type { ParsedVersion } from './version.ts';
export * from './writer.ts';

checkNodeVersion(process.versions.node);
