import { type BackendConfig, parseOptions, text, wholeNumber } from '@securestore/backend-api';

/** The options of the backend. */
export interface Settings {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Certificates of the authorities that a `rediss:` server is trusted by, as PEM. */
  readonly ca: string | undefined;
  /** Milliseconds without an answer after which the connection is given up. */
  readonly timeout: number;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(options: BackendConfig['options']): Settings {
  return parseOptions<Settings>('redis', options, {
    username: text(undefined),
    password: text(undefined),
    ca: certificates,
    timeout: wholeNumber({ min: 100, max: 600_000, fallback: 30_000 }),
  });
}

/** A bundle of authorities is longer than other texts. */
function certificates(value: unknown): string | undefined {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----') ? value : text(undefined)(value);
}
