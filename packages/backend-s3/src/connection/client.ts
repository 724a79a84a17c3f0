import { S3Client } from '@aws-sdk/client-s3';
import type { Target } from './location.ts';
import type { Settings } from './settings.ts';

/** Whether `value` is an `S3Client`, of any copy of the SDK. */
export function isClient(value: unknown): value is S3Client {
  if (typeof value !== 'object' || value === null || !('send' in value) || !('config' in value)) return false;
  const { send, config } = value;
  if (typeof send !== 'function' || typeof config !== 'object' || config === null) return false;
  return 'serviceId' in config && config.serviceId === 'S3';
}

/** A client of our own. What it is not told, the SDK looks for: in the environment, the shared files, the machine. */
export function createClient({ region, endpoint }: Target, settings: Settings): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken, profile, ca, poolSize } = settings;
  const agent = { keepAlive: true, maxSockets: poolSize };
  return new S3Client({
    // Other services take any region, and few are reached by a host name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: 'us-east-1' }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }),
    // Repeating is for a layer above.
    maxAttempts: 1,
    // Bodies are signed by their SHA-256 and sealed against changes above; older services know no other checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // No body is so large that asking first would save more than it costs.
    expectContinueHeader: false,
    requestHandler: { httpAgent: agent, httpsAgent: ca === undefined ? agent : { ...agent, ca } },
  });
}
