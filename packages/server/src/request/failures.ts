import { SecureStoreError } from '@securestore/core-format';
import type { FastifyError } from 'fastify';
import { describeValidation } from './schema-errors.ts';

/** What the framework says of a request, by its own codes. */
const FRAMEWORK: Readonly<Record<string, readonly ['TOO_LARGE' | 'INVALID_ARGUMENT', string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['TOO_LARGE', 'the body of the request is too large for this path'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['INVALID_ARGUMENT', 'the path takes no body of this Content-Type'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['INVALID_ARGUMENT', 'the length of the body must be what Content-Length says'],
};

function isFrameworkError(error: unknown): error is FastifyError {
  return error instanceof Error && typeof (error as Partial<FastifyError>).code === 'string';
}

/** An error as the caller is told it; one of the framework in our words, and a defect as it is. */
export function asStoreError(error: unknown): unknown {
  if (SecureStoreError.is(error) || !isFrameworkError(error)) return error;
  if (error.validation !== undefined) return new SecureStoreError('INVALID_ARGUMENT', describeValidation(error));
  const known = FRAMEWORK[error.code];
  if (known !== undefined) return new SecureStoreError(...known);
  const isRequest = error.code.startsWith('FST_') && (error.statusCode ?? 500) < 500;
  return isRequest ? new SecureStoreError('INVALID_ARGUMENT', 'the request is malformed') : error;
}

/** What the log is told of a defect: where it is, and not what it says, which may quote what was sent. */
export function defectFields(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const { cause } = error;
  return { name: error.name, at: frames.slice(0, 10), ...(cause instanceof Error && { cause: defectFields(cause) }) };
}
