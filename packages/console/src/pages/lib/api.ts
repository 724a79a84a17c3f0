import type { CONSOLE_HEADERS as Headers, ServerEvent } from '@securestore/protocol';
import { CONSOLE_HEADERS, encodeQuery, readEvents } from '@securestore/protocol';
import type { SentAdvice } from './advice.ts';
import { adviceIn } from './advice.ts';
import { atEnd, end, untilEnd } from './ending.ts';

/** What a server answers, or that it does not. */
export class ApiError extends Error {
  readonly code: string;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;
  /** For looking it up in the log of the server. */
  readonly requestId: string | undefined;
  /** What takes the approval of a second person, if that is why it was refused. */
  readonly approvals: readonly string[];
  /** What helps, the best first. */
  readonly advice: readonly SentAdvice[];

  constructor(
    code: string,
    message: string,
    {
      retryable = false,
      requestId,
      approvals = [],
      advice = [],
    }: Partial<Pick<ApiError, 'retryable' | 'requestId' | 'approvals' | 'advice'>> = {},
  ) {
    super(message);
    this.code = code;
    this.approvals = approvals;
    this.advice = advice;
    this.retryable = retryable;
    this.requestId = requestId;
  }
}

// In memory alone: what the page sends beside its cookie.
let csrf: string | undefined;

export function useCsrf(value: string): void {
  csrf = value;
}

atEnd(() => (csrf = undefined));

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Request {
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Whether the page asks by itself: that is nobody being there. */
  readonly unattended?: boolean | undefined;
  /** Whether it goes on when the session ends in this page: what ends it at the server does. */
  readonly outlives?: boolean | undefined;
}

type HeaderName = (typeof Headers)[keyof typeof Headers];

/** Asks the server. @throws ApiError; `AbortError` if `signal` aborts, and if the session ends meanwhile */
export async function send(method: string, path: string, request: Request = {}): Promise<Response> {
  const { query = {}, body, headers = {}, signal: given, unattended = false, outlives = false } = request;
  const sent = csrf;
  const aborted = AbortSignal.any([...(given ? [given] : []), ...(outlives ? [] : [untilEnd()])]);
  const own: Partial<Record<HeaderName, string>> = {
    ...(sent !== undefined && { [CONSOLE_HEADERS.csrf]: sent }),
    ...(unattended && { [CONSOLE_HEADERS.unattended]: 'true' }),
  };
  let response: Response;
  try {
    response = await fetch(`${path}${encodeQuery(query)}`, {
      method,
      headers: { ...headers, ...own, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: aborted,
      // Also if the page is left at once.
      keepalive: outlives,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
    });
  } catch (error) {
    if (aborted.aborted) throw error;
    throw new ApiError('OFFLINE', 'The server can’t be reached. A restore that runs there goes on.', {
      retryable: true,
    });
  }
  if (response.ok) return response;
  const error = await failureOf(response);
  // Not for what was asked in a session before this one.
  if (error.code === 'UNAUTHENTICATED' && sent !== undefined && sent === csrf) {
    end('Your session has ended. Sign in again; what runs at the server goes on.');
  }
  throw error;
}

async function failureOf(response: Response): Promise<ApiError> {
  return errorIn(await response.json().catch(() => undefined), response.status);
}

/** Something else than the server may have answered, or another version of it. */
export function unreadable(status?: number): ApiError {
  const which = status === undefined ? '' : ` (${status})`;
  return new ApiError('UNREADABLE', `The server gave no answer that can be read${which}.`, { retryable: true });
}

/** The error that the server has sent. */
export function errorIn(told: unknown, status?: number): ApiError {
  const { code, detail, retryable, requestId, approvals, advice } = (told ?? {}) as Record<string, unknown>;
  if (typeof code !== 'string' || typeof detail !== 'string') return unreadable(status);
  return new ApiError(code, detail, {
    retryable: retryable === true,
    ...(typeof requestId === 'string' && { requestId }),
    ...(Array.isArray(approvals) && { approvals: approvals.map(String) }),
    advice: adviceIn(advice),
  });
}

/** As {@link send}, with the JSON of the answer. */
export async function ask<T>(method: string, path: string, request: Request = {}): Promise<T> {
  const response = await send(method, path, request);
  if (response.status === 204) return {} as T;
  const text = await response.text();
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told === 'object' && told !== null) return told as T;
  } catch {
    // As below.
  }
  throw unreadable(response.status);
}

/** What is there. */
export function get<T>(path: string, query?: Query, request: Omit<Request, 'query' | 'body'> = {}): Promise<T> {
  return ask<T>('GET', path, { ...request, query });
}

/** What happens, as it happens. @throws ApiError */
export async function* follow(method: string, path: string, request: Request = {}): AsyncGenerator<ServerEvent> {
  const response = await send(method, path, { ...request, headers: { accept: 'text/event-stream' } });
  if (response.body === null) return;
  try {
    yield* readEvents(chunksOf(response.body));
  } catch (error) {
    if (request.signal?.aborted === true) throw error;
    throw new ApiError('OFFLINE', 'The connection was lost. What runs at the server goes on.', { retryable: true });
  }
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export function isApiError(error: unknown, code?: string): error is ApiError {
  return error instanceof ApiError && (code === undefined || error.code === code);
}

/** Whatever was thrown, to be shown. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  // An answer lacks what is looked for in it.
  if (error instanceof TypeError) return unreadable();
  return new ApiError('INTERNAL', 'Something in this page failed. Reload it; what runs at the server goes on.');
}
