import { checkAuthenticators } from '@securestore/acl';
import type { Authenticator } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { resolveThresholds } from '@securestore/health';
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
  'upkeep',
  'authenticators',
  'audit',
  'health',
  'destinations',
  'follow',
] as const;
const OPEN_OPTIONS = [...CREATE_OPTIONS, 'create', 'fingerprint', 'acceptHead', 'trustOnFirstUse'] as const;

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
  'acceptHead',
  'trustOnFirstUse',
] as const;

/** What is kept in a store from its making. */
const KEPT_OPTIONS = ['categories', 'history', 'names', 'rotation', 'journal', 'suite'] as const;

/** The longest time that timers hold, in milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;
/** 256 bits in base32hex. */
const FINGERPRINT = /^[0-9a-v]{52}$/;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
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
    'passphrase(...), keyFile(...), rawKey(...), recoveryCode(...), shares(...), identity(...), identityFile(...) or ' +
      'keyWrapper(...)',
  ],
  anchor: [(value) => typeof value === 'boolean' || hasMethods(value, 'read', 'write'), 'true, false or an Anchor'],
  logger: [(value) => hasMethods(value, 'debug', 'info', 'warn', 'error'), 'a logger with debug, info, warn and error'],
  onCryptoEvent: [(value) => typeof value === 'function', 'a function that takes a CryptoEvent'],
  clock: [(value) => hasMethods(value, 'now', 'uptime', 'sleep'), 'a Clock with now, uptime and sleep'],
  authenticators: [
    (value) =>
      Array.isArray(value) && value.every((item) => hasMethods(item, 'authenticate') && typeof item.name === 'string'),
    'a list of authenticators, such as jwt(...)',
  ],
  audit: [
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object with sinks, clearNames or onAlert',
  ],
  health: [
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object with thresholds, backups or auditor',
  ],
  follow: [(value) => Array.isArray(value) && value.every((item) => typeof item === 'string'), 'a list of locations'],
  signal: [(value) => value instanceof AbortSignal, 'an AbortSignal'],
  timeout: [
    (value) => typeof value === 'number' && value > 0 && value <= MAX_TIMEOUT,
    `a number of milliseconds from over 0 to ${MAX_TIMEOUT}`,
  ],
  prefix: [(value) => typeof value === 'string', 'a string'],
  partial: [(value) => typeof value === 'boolean', 'true or false'],
  copyOnly: [(value) => typeof value === 'boolean', 'true or false'],
  upkeep: [(value) => typeof value === 'boolean', 'true or false'],
  create: [(value) => typeof value === 'boolean', 'true or false'],
  requestId: [(value) => typeof value === 'string' || typeof value === 'function', 'a string or a function'],
  acceptHead: [(value) => typeof value === 'boolean', 'true or false'],
  trustOnFirstUse: [(value) => typeof value === 'boolean', 'true or false'],
  fingerprint: [
    (value) => typeof value === 'string' && FINGERPRINT.test(value),
    'a fingerprint, the 52 characters that store.fingerprint gives',
  ],
};

function checkKnown(options: object, known: readonly string[]): void {
  const given = options as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) invalid(`unknown option "${unknown}". Known here: ${known.toSorted().join(', ')}`);
  for (const name of known) {
    const [holds, expected] = CHECKS[name] ?? [];
    const missing = given[name] === undefined && name !== 'unlock';
    if (holds?.(given[name]) === false && !missing) invalid(`the option "${name}" must be ${expected}`);
  }
}

function check(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    invalid('options are needed: at least { unlock: passphrase(...) }');
  checkKnown(options, known);
}

const HEALTH_OPTIONS = ['thresholds', 'backups', 'auditor'];

interface InDetail {
  readonly authenticators?: readonly Authenticator[] | undefined;
  readonly health?: { readonly thresholds?: unknown } | undefined;
}

/** So that a store is not opened in vain. */
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
    invalid(
      `the option "${kept}" is decided when a store is made; give it to createStore, or together with create: true`,
    );
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkSessionOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) invalid('the options of a session must be an object');
  checkKnown(options, SESSION_OPTIONS);
}

/** Of what opens backups without their store. @param more what the call takes beside it @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkBackupOptions(options: unknown, more: readonly string[] = []): void {
  check(options, [...BACKUP_OPTIONS, ...more]);
}

/** Of what looks at backups, and needs no secret for that. @param more what the call takes beside it @throws SecureStoreError `INVALID_ARGUMENT` */
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

/** Of what moves a store. @param more what the call takes beside it @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkMigrateOptions(options: unknown, more: readonly string[] = []): void {
  check(options, [...MIGRATE_OPTIONS, ...more]);
}

/** Of what a store is to be that is sealed anew. @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkResealSettings(settings: unknown): void {
  check(settings, ['unlock', 'beforeMaking', 'categories', 'history', 'names', 'rotation', 'suite']);
}
