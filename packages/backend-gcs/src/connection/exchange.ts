import { type Agent, type IncomingMessage, request as requestOverHttp } from 'node:http';
import { request as requestOverHttps } from 'node:https';

/** What one exchange is made with. */
export interface Exchange {
  readonly agent: Agent;
  readonly signal: AbortSignal;
  /** A longer body is not read, and its answer given without it. */
  readonly maxBytes: number;
}

/**
 * One request and its answer, as `fetch` gives it, over connections of our own. Where it is aborted, the connection is
 * closed and nothing of it goes on.
 */
export async function exchange({ agent, signal, maxBytes }: Exchange, url: URL, init: RequestInit): Promise<Response> {
  const request = url.protocol === 'https:' ? requestOverHttps : requestOverHttp;
  const headers = Object.fromEntries(new Headers(init.headers));
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(url, { agent, signal, method: init.method ?? 'GET', headers }, resolve);
  // It stays for what comes after the answer has begun.
  sent.on('error', reject);
  sent.end(init.body);
  const answer = await promise;
  const body = await collect(answer, maxBytes);
  const { statusCode: status = 0 } = answer;
  // A `Response` that holds the bytes itself would copy them, twice.
  return Object.assign(new Response(null, { status, headers: headersOf(answer) }), {
    arrayBuffer: async () => body.buffer,
    text: async () => Buffer.from(body.buffer).toString(),
  });
}

async function collect(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { 'content-length': length } = answer.headers;
  if (Number(length ?? 0) > maxBytes) {
    answer.destroy();
    return new Uint8Array(0);
  }
  // Of a length that is known, the body is not copied once more.
  let body = new Uint8Array(Number(length ?? 65_536));
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (size + chunk.byteLength > maxBytes) return new Uint8Array(0);
    if (size + chunk.byteLength > body.byteLength) body = grown(body, size + chunk.byteLength);
    body.set(chunk, size);
    size += chunk.byteLength;
  }
  return size === body.byteLength ? body : body.slice(0, size);
}

function grown(body: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, 2 * body.byteLength));
  larger.set(body);
  return larger;
}

function headersOf({ headers }: IncomingMessage): Headers {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Headers(entries);
}
