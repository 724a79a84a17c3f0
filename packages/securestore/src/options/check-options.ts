import { checkAuthenticators } from '@securestore/acl/lazy';
import type { Authenticator } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { resolveThresholds } from '@securestore/health/lazy';
import type { KeyWrapperMethod } from '@securestore/crypto';

const CREATE_OPTIONS = [
  'unlock',
  'anchor',
  'logger',
  'onCryptoEvent',
  'clock',
  'signal',
  'timeout',
  'backend',
  'backends',
  'backendOptions',
  'client',
  'resolveFrom',
  'discovery',
  'categories',
  'history',
  'names',
  'rotation',
  'journal',
  'suite',
  'maintenance',
  'authenticators',
  'audit',
  'health',
  'destinations',
  'migrationTargets',
  'acceptRollback',
] as const;
const OPEN_OPTIONS = [...CREATE_OPTIONS, 'create', 'fingerprint', 'trustOnFirstUse'] as const;

const SESSION_OPTIONS = ['signal', 'timeout', 'requestId'] as const;

const BACKUP_OPTIONS = [
  'backends',
  'resolveFrom',
  'discovery',
  'unlock',
  'fingerprint',
  'destinations',
  'logger',
  'clock',
  'signal',
  'timeout',
] as const;

const MIGRATE_OPTIONS = [
  ...BACKUP_OPTIONS,
  'backend',
  'backendOptions',
  'client',
  'anchor',
  'acceptRollback',
  'trustOnFirstUse',
] as const;

/** Options that are stored when a store is created. */
const KEPT_OPTIONS = ['categories', 'history', 'names', 'rotation', 'journal', 'suite'] as const;

/** The longest time that timers hold, in milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;
/** How many names a message lists. */
const MAX_NAMED = 8;
/** 256 bits in base32hex. */
const FINGERPRINT = /^[0-9a-v]{52}$/;

function invalid(message: string, option?: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { option });
}

function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** What each option must be, if it is given. */
const CHECKS: Readonly<Record<string, readonly [check: (value: unknown) => boolean, expected: string]>> = {
  unlock: [
    (value) =>
      hasMethods(value, 'secret') || hasMethods((value as Partial<KeyWrapperMethod> | null)?.wrapper, 'unwrap'),
    'an unlock method, such as that of a passphrase or a key file',
  ],
  anchor: [(value) => typeof value === 'boolean' || hasMethods(value, 'read', 'write'), 'true, false or an Anchor'],
  logger: [(value) => hasMethods(value, 'debug', 'info', 'warn', 'error'), 'a logger with debug, info, warn and error'],
  onCryptoEvent: [(value) => typeof value === 'function', 'a function that takes a CryptoEvent'],
  clock: [(value) => hasMethods(value, 'now', 'uptime', 'sleep'), 'a Clock with now, uptime and sleep'],
  authenticators: [
    (value) =>
      Array.isArray(value) && value.every((item) => hasMethods(item, 'authenticate') && typeof item.name === 'string'),
    'a list of authenticators',
  ],
  audit: [
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object with sinks, clearKeys or onAlert',
  ],
  health: [
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object with thresholds, backups or auditor',
  ],
  migrationTargets: [
    (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    'a list of store URLs',
  ],
  signal: [(value) => value instanceof AbortSignal, 'an AbortSignal'],
  timeout: [
    (value) => typeof value === 'number' && value > 0 && value <= MAX_TIMEOUT,
    `a number of milliseconds from over 0 to ${MAX_TIMEOUT}`,
  ],
  prefix: [(value) => typeof value === 'string', 'a string'],
  partial: [(value) => typeof value === 'boolean', 'true or false'],
  copyOnly: [(value) => typeof value === 'boolean', 'true or false'],
  maintenance: [(value) => typeof value === 'boolean', 'true or false'],
  create: [(value) => typeof value === 'boolean', 'true or false'],
  requestId: [(value) => typeof value === 'string' || typeof value === 'function', 'a string or a function'],
  acceptRollback: [(value) => typeof value === 'boolean', 'true or false'],
  trustOnFirstUse: [(value) => typeof value === 'boolean', 'true or false'],
  fingerprint: [
    (value) => typeof value === 'string' && FINGERPRINT.test(value),
    'the fingerprint of a store, 52 characters of 0-9 and a-v',
  ],
};

/** The known options, if there are few enough for a message. */
function alike(unknown: string, known: readonly string[]): string {
  const close = known.filter((name) => name.toLowerCase().startsWith(unknown.slice(0, 3).toLowerCase()));
  const shown = known.length <= MAX_NAMED ? known : close.slice(0, MAX_NAMED);
  return shown.length === 0 ? '' : `, known: ${shown.toSorted().join(', ')}`;
}

function checkKnown(options: object, known: readonly string[]): void {
  const given = options as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) invalid(`unknown option "${unknown}"${alike(unknown, known)}`, unknown);
  for (const name of known) {
    const [holds, expected] = CHECKS[name] ?? [];
    const missing = given[name] === undefined && name !== 'unlock';
    if (holds?.(given[name]) === false && !missing) invalid(`the option "${name}" must be ${expected}`, name);
  }
}

function check(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    invalid('the options must be an object with at least "unlock"', 'unlock');
  checkKnown(options, known);
}

const HEALTH_OPTIONS = ['thresholds', 'backups', 'auditor'];

interface InDetail {
  readonly authenticators?: readonly Authenticator[] | undefined;
  readonly health?: { readonly thresholds?: unknown } | undefined;
}

/** Checked before a store is opened. */
function checkInDetail(options: unknown): void {
  const { authenticators = [], health } = options as InDetail;
  checkAuthenticators(authenticators);
  if (health === undefined) return;
  checkKnown(health, HEALTH_OPTIONS);
  resolveThresholds(health.thresholds);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkCreateOptions(options: unknown): void {
  check(options, CREATE_OPTIONS);
  checkInDetail(options);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkOpenOptions(options: unknown): void {
  check(options, OPEN_OPTIONS);
  checkInDetail(options);
  const given = options as Readonly<Record<string, unknown>>;
  const kept = KEPT_OPTIONS.find((name) => given[name] !== undefined);
  if (kept !== undefined && given['create'] !== true) {
    invalid(`the option "${kept}" is only for creating a store`, kept);
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkSessionOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) invalid('the options of a session must be an object');
  checkKnown(options, SESSION_OPTIONS);
}

/** Options of calls that open backups without their store. @param more other options of the call @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkBackupOptions(options: unknown, more: readonly string[] = []): void {
  check(options, [...BACKUP_OPTIONS, ...more]);
}

/** Options of calls on backups that need no unlock secret. @param more other options of the call @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkPlaceOptions(options: object, more: readonly string[] = []): void {
  const known = [...BACKUP_OPTIONS, ...more];
  const isGiven = (options as Readonly<Record<string, unknown>>)['unlock'] !== undefined;
  if (isGiven) return checkKnown(options, known);
  const { unlock: _, ...others } = options as Readonly<Record<string, unknown>>;
  checkKnown(
    others,
    known.filter((name) => name !== 'unlock'),
  );
}

/** Options of migrations. @param more other options of the call @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkMigrateOptions(options: unknown, more: readonly string[] = []): void {
  check(options, [...MIGRATE_OPTIONS, ...more]);
}

/** Settings of a re-encrypted store. @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkResealSettings(settings: unknown): void {
  check(settings, ['unlock', 'beforeCreate', 'categories', 'history', 'names', 'rotation', 'suite']);
}
