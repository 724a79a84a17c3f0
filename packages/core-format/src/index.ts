import { checkNodeVersion } from './machine/node-version.ts';

export * from './audit/audit-batch.ts';
export * from './audit/audit-entry.ts';
export * from './audit/audit-header.ts';
export * from './record/backend-names.ts';
export * from './backup/backup-index.ts';
export * from './backup/backup-keys.ts';
export * from './backup/backup-names.ts';
export * from './backup/backup-pack.ts';
export * from './backup/backup-point.ts';
export { decodeBase32, encodeBase32, encodeNumber } from './text/base32.ts';
export * from './record/blob.ts';
export * from './record/body.ts';
export { ADVICE_IDS, adviceAbout, parseAdvice } from './errors/parse-advice.ts';
export type { Advice, AdviceId } from './errors/advice.ts';
export { asBuffer, ByteReader, ByteWriter, copyOf, copySecret, isZero, MAX_TIME, secretBytes } from './bytes/bytes.ts';
export * from './record/category-map.ts';
export * from './record/checkpoint.ts';
export * from './record/consumer.ts';
export {
  flushFolder,
  flushFolderSync,
  flushFoundSync,
  makeFolderDurably,
  makeFolderDurablySync,
  replaceFile,
  writeNewFile,
} from './machine/durable-file.ts';
export { ERROR_CODES, errorPageOf, exitCodeOf, isDamage, SecureStoreError } from './errors/errors.ts';
export type { ErrorCode, ErrorDetails, LockReason } from './errors/errors.ts';
export { lazyPart } from './errors/lazy-part.ts';
export type { Field } from './bytes/fields.ts';
export { fileError, systemReasonOf, systemCodeOf } from './machine/file-error.ts';
export * from './head/grants.ts';
export * from './head/head.ts';
export * from './head/head-audit.ts';
export { MAX_SEALED_LOCATION_BYTES } from './head/head-migration.ts';
export type { HeadMigration } from './head/head-migration.ts';
export { MAX_PAST_INSTANCES } from './head/head-optional.ts';
export type { Reference, ReferenceKind } from './head/head-references.ts';
export * from './record/hint.ts';
export { MAX_KEY_BYTES, parseStoreKey } from './text/key-name.ts';
export type { StoreKey } from './text/key-name.ts';
export { byBytes } from './text/key-order.ts';
export { decodeKeyring, encodeKeyring } from './record/keyring.ts';
export type { KeyGroup, KeyGroupKind, Keyring, KeyState, KeyVersion } from './record/keyring.ts';
export { isDeepStrictEqual } from './machine/deep-equal.ts';
export { isLoopback } from './machine/loopback.ts';
export * from './record/marker.ts';
export { withoutOwn } from './machine/own-variables.ts';
export { compilePattern, patternsMeet } from './text/pattern.ts';
export type { KeyTest } from './text/pattern.ts';
export * from './record/record.ts';
export * from './record/slot.ts';
export * from './record/system-body.ts';
export { shellPath, shellWord } from './text/shell-word.ts';
export { textLines, trimmedText } from './text/text-lines.ts';
export { UNPRINTABLE } from './text/unprintable.ts';
export { compareVersions, formatVersion, parseVersion } from './text/version.ts';
export type { ParsedVersion } from './text/version.ts';
export * from './bytes/writer.ts';

checkNodeVersion(process.versions.node);
