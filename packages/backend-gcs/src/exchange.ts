import { type Agent, type IncomingMessage, request as requestOverHttp } from 'node:http';
import { request as requestOverHttps } from 'node:https';

/** What may never have a body in a `Response`. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

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
  return new Response(EMPTY.has(status) ? null : body, { status, headers: headersOf(answer) });
}

async function collect(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Buffer[] = [];
  let size = Number(answer.headers['content-length'] ?? 0);
  if (size <= maxBytes) {
    size = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size > maxBytes) break;
    }
  }
  if (size <= maxBytes) return new Uint8Array(Buffer.concat(chunks));
  answer.destroy();
  return null;
}

function headersOf({ headers }: IncomingMessage): Headers {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Headers(entries);
}
