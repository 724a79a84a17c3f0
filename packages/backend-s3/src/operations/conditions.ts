import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { SecureStoreError } from '@securestore/core-format';
import { randomBytes } from 'node:crypto';
import type { Destination } from './operations.ts';
import { sendBody } from './send-body.ts';

/** Upper case, so it is the name of nothing in a store, and no listing shows it. */
const PROBE_NAME = 'CONDITIONS-';
/** An etag that no object of a few bytes has. */
const NO_ETAG = '0'.repeat(32);

/**
 * Checks that the service honours the conditions of writes: some services accept and ignore them, so that writes of other
 * processes would be lost without an error.
 *
 * @throws SecureStoreError `UNSUPPORTED`; what {@link Bucket.send} throws
 */
export async function checkConditions({ bucket, prefix, site }: Destination, signal?: AbortSignal): Promise<void> {
  const place = { Bucket: bucket.name, Key: `${prefix}${PROBE_NAME}${randomBytes(9).toString('hex')}` };
  const accepts = async (condition: { IfNoneMatch: string } | { IfMatch: string }): Promise<boolean> => {
    const input = { Key: place.Key, Body: new Uint8Array(1), ...condition };
    try {
      return await sendBody(bucket, { site, conditional: true, signal }, input, () => true);
    } catch (error) {
      if (SecureStoreError.is(error, 'CONFLICT')) return false;
      throw error;
    }
  };
  const honoured =
    (await accepts({ IfNoneMatch: '*' })) &&
    !(await accepts({ IfNoneMatch: '*' })) &&
    !(await accepts({ IfMatch: NO_ETAG }));
  await bucket
    .send({ site, signal }, new DeleteObjectCommand(place), () => undefined)
    .catch((error: unknown) => {
      // A destination of backups may refuse every deletion: the answer is known all the same.
      if (!SecureStoreError.is(error, 'ACCESS_DENIED')) throw error;
    });
  if (honoured) return;
  throw new SecureStoreError(
    'UNSUPPORTED',
    's3: the service ignores the conditions of writes (If-None-Match, If-Match). Without them, writers lose the writes of ' +
      'others. Nothing was written.',
    { ...site, advice: [{ id: 'choose-store-url' }] },
  );
}
