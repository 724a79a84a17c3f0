import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { PutObjectCommandInput, PutObjectCommandOutput } from '@aws-sdk/client-s3';
import { SecureStoreError } from '@securestore/core-format';
import type { Bucket, Request } from '../connection/bucket.ts';

/** What services say where they want a body to come with a digest: those with a lock on the bucket do. */
const WANTED = /content-md5|x-amz-(?:sdk-)?checksum/i;

function asksForDigest(error: unknown): boolean {
  if (!SecureStoreError.is(error) || !(error.cause instanceof Error)) return false;
  const { status } = error.cause as { readonly status?: unknown };
  return status === 400 && WANTED.test(error.cause.message);
}

/**
 * Sends a body, and its SHA-256 beside it where the bucket asks for that. That it does shows in its first refusal, after which nothing has
 * been written, so that the request can be sent again.
 *
 * @throws SecureStoreError what {@link Bucket.send} throws
 */
export async function sendBody<R>(
  bucket: Bucket,
  request: Request,
  input: Omit<PutObjectCommandInput, 'Bucket'>,
  take: (output: PutObjectCommandOutput) => R,
): Promise<R> {
  const send = async (): Promise<R> => {
    const digest = bucket.wantsDigests ? { ChecksumAlgorithm: 'SHA256' as const } : {};
    return bucket.send(request, new PutObjectCommand({ Bucket: bucket.name, ...input, ...digest }), take);
  };
  try {
    return await send();
  } catch (error) {
    if (bucket.wantsDigests || !asksForDigest(error)) throw error;
    bucket.wantsDigests = true;
    return send();
  }
}
