import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { HEADERS, PROBLEM_TYPE, statusOf, toProblem } from '@securestore/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'securestore';
import { asStoreError, defectFields } from './failures.ts';

/** What may have been said of an object before it could not be had. */
const OF_OBJECTS: readonly string[] = [
  'content-length',
  'etag',
  'last-modified',
  'accept-ranges',
  HEADERS.info,
  HEADERS.metadata,
];

/**
 * Answers with what went wrong. A defect is told to nobody but the log.
 *
 * @returns the code that was told
 */
export function answerFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger | undefined,
): ErrorCode {
  const known = asStoreError(error);
  const told = toProblem(known, request.id);
  if (told.code === 'INTERNAL') logger?.error({ requestId: request.id, ...defectFields(error) }, 'a defect');
  if (told.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  if (told.code === 'THROTTLED') reply.header('retry-after', '1');
  const status = statusFor(known, told.code, request);
  for (const name of OF_OBJECTS) reply.removeHeader(name);
  reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send({ ...told, status });
  return told.code;
}

function statusFor(error: unknown, code: ErrorCode, { headers }: FastifyRequest): number {
  const own = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  if (SecureStoreError.is(error) && typeof own === 'number') return own;
  const isConditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
  return code === 'CONFLICT' && isConditional ? 412 : statusOf(code);
}
