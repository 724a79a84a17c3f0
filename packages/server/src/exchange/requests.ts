import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { SecureStoreError } from '@securestore/core-format';
import { FRAMED_TYPE, JSON_TYPE, RAW_TYPE } from '@securestore/protocol';
import type { FastifyRequest } from 'fastify';
import { BARE_HEADERS } from '../request/security-headers.ts';
import type { Route } from './route.ts';

/** How a route of the console is told from one of the interface: `own` ones are for its pages alone, `open` ones browsers go to from anywhere. */
export interface ConsoleRoute {
  readonly console: 'own' | 'open';
}

const PATH_CHARACTERS = /^[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/;

/** The route that a request is for, where it is one of the interface. */
export function routeOf(request: FastifyRequest): Route | undefined {
  return (request.routeOptions.config as { readonly route?: Route } | undefined)?.route;
}

/** The name of a request in metrics: method and path of its route, and no key of an object. */
export function figuresNameOf(request: FastifyRequest): string {
  const config = request.routeOptions.config as { readonly figures?: string } | undefined;
  if (config?.figures !== undefined) return config.figures;
  return consoleRouteOf(request) === undefined ? 'none' : `${request.method} ${request.routeOptions.url}`;
}

/** The same of the console. */
export function consoleRouteOf(request: FastifyRequest): ConsoleRoute | undefined {
  const config = request.routeOptions.config as Partial<ConsoleRoute> | undefined;
  return config?.console === undefined ? undefined : { console: config.console };
}

/** A path in the notation of the framework. */
export function frameworkPath(path: string): string {
  return path.replace('{key}', '*').replaceAll(/\{(\w+)\}/g, ':$1');
}

/** What the path of a request says after the part that is always the same. @throws SecureStoreError `INVALID_KEY` */
export function restOf({ path }: Route, url: string): string {
  const [sent = ''] = url.split('?', 1);
  const [fixed = ''] = path.split('{', 1);
  // Something else may have matched by being decoded, which is for nobody but us to do.
  if (sent.startsWith(fixed) && PATH_CHARACTERS.test(sent)) return sent.slice(fixed.length);
  throw new SecureStoreError('INVALID_KEY', 'the path must be one of /openapi.json, with the key percent-encoded');
}

/** Whether a request has a body, or says so. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The type of a body without its parameters, in small letters. */
export function mediaTypeOf({ 'content-type': given = '' }: IncomingHttpHeaders): string {
  const [type = ''] = given.split(';', 1);
  return type.trim().toLowerCase();
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for a body that a route does not take, or of another type */
export function checkBody({ body }: Pick<Route, 'body'>, raw: IncomingMessage): void {
  if (body === undefined) {
    if (!hasBody(raw)) return;
    throw new SecureStoreError('INVALID_ARGUMENT', 'the request must have no body');
  }
  const taken = body === 'data' ? [RAW_TYPE] : body === 'message' ? [RAW_TYPE, FRAMED_TYPE] : [JSON_TYPE];
  if (taken.includes(mediaTypeOf(raw.headers))) return;
  throw new SecureStoreError('INVALID_ARGUMENT', `the header Content-Type must be ${taken.join(' or ')}`);
}

/** JSON without what quotes it where it is none. */
export function parseJson(bytes: Buffer): unknown {
  try {
    if (isUtf8(bytes)) return bytes.length === 0 ? undefined : (JSON.parse(bytes.toString('utf8')) as unknown);
  } catch {
    // Falls through.
  }
  throw new SecureStoreError('INVALID_ARGUMENT', 'the body must be JSON in UTF-8');
}

/** How long what is left of a request is read after its answer, in milliseconds. */
const LINGER_MS = 5000;

/**
 * Reads what is left of a request that was answered before its end. Were its connection ended at once, the answer would be lost on the
 * way to whoever is still sending.
 */
export function leaveRest(request: IncomingMessage): void {
  if (request.complete) return;
  const late = setTimeout(() => request.socket.destroy(), LINGER_MS).unref();
  request.once('close', () => clearTimeout(late));
  request.once('end', () => clearTimeout(late));
  request.resume();
}

const VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1']);

/** @throws SecureStoreError `INVALID_ARGUMENT` if the version of HTTP is another one than 1.0 or 1.1 */
export function checkVersion({ httpVersion }: IncomingMessage): void {
  if (VERSIONS.has(httpVersion)) return;
  throw new SecureStoreError('INVALID_ARGUMENT', `the request must be HTTP/1.0 or HTTP/1.1, got HTTP/${httpVersion}`);
}

/**
 * What is no request ends its connection: what comes after it can't be told from its rest.
 *
 * @param isAnswering whether an answer has begun on it, of which a refusal would be taken for a part
 */
export function refuseMalformed(error: Error & { readonly code?: string }, socket: Socket, isAnswering: boolean): void {
  // Before there are keys nothing can be said, and what is written waits for them.
  if (/^ERR_(?:TLS|SSL)_/.test(error.code ?? '')) return void socket.destroy();
  if (!socket.writable) return;
  if (isAnswering) return void socket.destroy();
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge ? '431 Request Header Fields Too Large' : late ? '408 Request Timeout' : '400 Bad Request';
  const head = `HTTP/1.1 ${status}\r\n${BARE_HEADERS}Connection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.end(head, () => socket.destroy());
}
