import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ClientCertificate } from '../caller/client-certificate.ts';
import { certificateOf } from '../caller/client-certificates.ts';
import type { ForwardedPeer } from '../caller/forwarded-peer.ts';

/** Proves that a request comes from a worker. */
const KEY_HEADER = 'securestore-worker-key';
/** The client that has sent the request to the worker. */
const PEER_HEADER = 'securestore-worker-peer';

/** Headers that are about one connection; of its own one the other process of the server writes them itself. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  KEY_HEADER,
  PEER_HEADER,
]);

/** Pairs of names and values without those about the connection, in their order. */
function passedOn(rawHeaders: readonly string[]): string[] {
  const passed: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!OF_CONNECTION.has(name.toLowerCase())) passed.push(name, value);
  }
  return passed;
}

/** The headers that give the end of the body, in the form that the client chose, so that both processes read the same body. */
function framing({ headers, method }: IncomingMessage): string[] {
  if (headers['transfer-encoding'] !== undefined) return ['transfer-encoding', 'chunked'];
  const takesNone = method === 'GET' || method === 'HEAD';
  return headers['content-length'] === undefined && !takesNone ? ['content-length', '0'] : [];
}

/**
 * The headers with which a worker forwards a request.
 *
 * @param address of the client
 */
export function forwardedHeaders(request: IncomingMessage, key: string, address: string): string[] {
  const peer = { address, certificate: certificateOf(request) };
  const json = Buffer.from(JSON.stringify(peer)).toString('base64url');
  return [...passedOn(request.rawHeaders), ...framing(request), KEY_HEADER, key, PEER_HEADER, json];
}

/** The headers of an answer that a worker passes on. */
export function answeredHeaders(answer: IncomingMessage): string[] {
  return passedOn(answer.rawHeaders);
}

/**
 * The client of a forwarded request. The headers about it are removed, so that nothing else sees them.
 *
 * @returns `undefined` if the request was not forwarded by a worker
 */
export function takePeer(request: IncomingMessage, key: string): ForwardedPeer | undefined {
  const { rawHeaders, headers } = request;
  const { [KEY_HEADER]: given, [PEER_HEADER]: json } = headers;
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    const name = rawHeaders[at]?.toLowerCase();
    if (name === KEY_HEADER || name === PEER_HEADER) rawHeaders.splice(at, 2);
  }
  delete headers[KEY_HEADER];
  delete headers[PEER_HEADER];
  if (typeof given !== 'string' || typeof json !== 'string' || !isSame(given, key)) return undefined;
  const { address, certificate } = JSON.parse(Buffer.from(json, 'base64url').toString('utf8')) as Peer;
  if (certificate === undefined) return { address, certificate: undefined };
  const { commonName, fingerprint, until } = certificate;
  return { address, certificate: new ClientCertificate(commonName, fingerprint, until) };
}

interface Peer {
  readonly address: string;
  readonly certificate?: { readonly commonName?: string; readonly fingerprint: string; readonly until: number };
}

/** Whether two texts are the same; in a time that tells nothing of it. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
