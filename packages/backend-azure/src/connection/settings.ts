import { type BackendConfig, optionError, parseOptions, text, wholeNumber } from '@securestore/backend-api';
import type { TokenCredential } from '@azure/identity';

/** The options of the backend. */
export interface Settings {
  readonly account: string | undefined;
  readonly endpoint: string | undefined;
  readonly connectionString: string | undefined;
  readonly accountKey: string | undefined;
  readonly sasToken: string | undefined;
  /** A credential of `@azure/identity`, or anything with a `getToken` like theirs. */
  readonly credential: TokenCredential | undefined;
  /** Certificates of the authorities that the service is trusted by, as PEM. */
  readonly ca: string | undefined;
  /** The most connections at once. */
  readonly poolSize: number;
  /** How long one request may take, in milliseconds. */
  readonly timeout: number;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(options: BackendConfig['options']): Settings {
  return parseOptions<Settings>('azure', options, {
    account: text(undefined),
    endpoint: text(undefined),
    connectionString: text(undefined),
    accountKey: text(undefined),
    sasToken: text(undefined),
    credential: tokenCredential,
    ca: certificates,
    poolSize: wholeNumber({ min: 1, max: 1_000, fallback: 50 }),
    timeout: wholeNumber({ min: 100, max: 600_000, fallback: 60_000 }),
  });
}

function tokenCredential(value: unknown): TokenCredential | undefined {
  if (value === undefined || isTokenCredential(value)) return value;
  throw optionError('azure', 'credential', 'have a method getToken');
}

function isTokenCredential(value: unknown): value is TokenCredential {
  return typeof value === 'object' && value !== null && 'getToken' in value && typeof value.getToken === 'function';
}

/** A bundle of authorities is longer than other texts. */
function certificates(value: unknown): string | undefined {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----') ? value : text(undefined)(value);
}
