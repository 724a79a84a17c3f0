import { type BackendConfig, optionError, parseOptions, text, wholeNumber } from '@securestore/backend-api';

/** A key of a service account, as the console of Google Cloud gives it out. */
export interface ServiceAccountKey {
  readonly client_email: string;
  readonly private_key: string;
}

/** The options of the backend. */
export interface Settings {
  readonly endpoint: string | undefined;
  readonly credentials: ServiceAccountKey | undefined;
  /** Certificates of the authorities that the service is trusted by, as PEM. */
  readonly ca: string | undefined;
  /** The most connections at once. */
  readonly poolSize: number;
  /** How long one request may take, in milliseconds. */
  readonly timeout: number;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(options: BackendConfig['options']): Settings {
  return parseOptions<Settings>('gcs', options, {
    endpoint: text(undefined),
    credentials: serviceAccountKey,
    ca: certificates,
    poolSize: wholeNumber({ min: 1, max: 1_000, fallback: 50 }),
    timeout: wholeNumber({ min: 100, max: 600_000, fallback: 60_000 }),
  });
}

function serviceAccountKey(value: unknown): ServiceAccountKey | undefined {
  if (value === undefined || isServiceAccountKey(value)) return value;
  throw optionError('gcs', 'credentials', 'have a client_email and a private_key');
}

function isServiceAccountKey(value: unknown): value is ServiceAccountKey {
  if (typeof value !== 'object' || value === null) return false;
  const { client_email: email, private_key: key } = value as Record<string, unknown>;
  return typeof email === 'string' && typeof key === 'string';
}

/** A bundle of authorities is longer than other texts. */
function certificates(value: unknown): string | undefined {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----') ? value : text(undefined)(value);
}
