import { type BackendConfig, parseOptions, text, wholeNumber } from '@securestore/backend-api';

/** The options of the backend. */
export interface Settings {
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The most connections at once. */
  readonly poolSize: number;
  /** Milliseconds that a statement, or getting a connection, may take. */
  readonly timeout: number;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(options: BackendConfig['options']): Settings {
  return parseOptions<Settings>('postgres', options, {
    user: text(undefined),
    password: text(undefined),
    poolSize: wholeNumber({ min: 1, max: 1_000, fallback: 10 }),
    timeout: wholeNumber({ min: 100, max: 600_000, fallback: 30_000 }),
  });
}
