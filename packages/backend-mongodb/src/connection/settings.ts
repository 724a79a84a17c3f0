import { type BackendConfig, parseOptions, text, wholeNumber } from '@securestore/backend-api';

/** The options of the backend. */
export interface Settings {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Certificates of the authorities that a server with TLS is trusted by, as PEM. */
  readonly ca: string | undefined;
  /** The most connections at once to each server. */
  readonly poolSize: number;
  /** Milliseconds that a command, or getting a connection, may take. */
  readonly timeout: number;
  /** Milliseconds that a call waits for a primary. */
  readonly selectionTimeout: number;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(options: BackendConfig['options']): Settings {
  return parseOptions<Settings>('mongodb', options, {
    username: text(undefined),
    password: text(undefined),
    ca: certificates,
    poolSize: wholeNumber({ min: 1, max: 1_000, fallback: 10 }),
    timeout: wholeNumber({ min: 100, max: 600_000, fallback: 30_000 }),
    selectionTimeout: wholeNumber({ min: 100, max: 600_000, fallback: 5_000 }),
  });
}

/** A bundle of authorities is longer than other texts. */
function certificates(value: unknown): string | undefined {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----') ? value : text(undefined)(value);
}
