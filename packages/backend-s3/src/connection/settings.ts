import { type BackendConfig, optionError, parseOptions, text, wholeNumber } from '@securestore/backend-api';

/** The options of the backend. */
export interface Settings {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
  /** A profile of the shared configuration files. */
  readonly profile: string | undefined;
  /** Certificates of the authorities that an `https:` endpoint is trusted by, as PEM. */
  readonly ca: string | undefined;
  /** The most requests at once. */
  readonly poolSize: number;
  /** Milliseconds that one request may take, with its body. */
  readonly timeout: number;
  /** How far apart, in milliseconds, the clocks of the service may be. */
  readonly clockSkew: number;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseSettings(options: BackendConfig['options']): Settings {
  const settings = parseOptions<Settings>('s3', options, {
    accessKeyId: text(undefined),
    secretAccessKey: text(undefined),
    sessionToken: text(undefined),
    profile: text(undefined),
    ca: certificates,
    poolSize: wholeNumber({ min: 1, max: 1_000, fallback: 50 }),
    timeout: wholeNumber({ min: 100, max: 600_000, fallback: 30_000 }),
    clockSkew: wholeNumber({ min: 0, max: 60_000, fallback: 2_000 }),
  });
  const { accessKeyId, secretAccessKey, sessionToken } = settings;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw optionError('s3', 'accessKeyId', 'be given together with "secretAccessKey"');
  }
  if (sessionToken !== undefined && accessKeyId === undefined) {
    throw optionError('s3', 'sessionToken', 'be given together with "accessKeyId" and "secretAccessKey"');
  }
  return settings;
}

/** A bundle of authorities is longer than other texts. */
function certificates(value: unknown): string | undefined {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----') ? value : text(undefined)(value);
}
