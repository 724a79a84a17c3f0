import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An answer that a service gives in place of what was asked for. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the proxy changes about what passes. */
export interface Tricks {
  /** Headers of requests that get lost. */
  readonly drop?: readonly string[];
  /** Which requests are refused: by default as what the credentials do not allow is. */
  readonly refuse?: (request: { readonly method: string; readonly path: string }) => Promise<boolean>;
  readonly refusal?: Refusal;
  /** What happens after the first half of the body of an answer to a GET of an object. */
  readonly halfway?: 'cut' | 'stall';
  /** The key and the certificate to speak TLS with, as PEM. */
  readonly tls?: { readonly key: Buffer; readonly cert: string };
}

/** A way to a server on which requests are seen one by one. */
export interface HttpProxy {
  readonly endpoint: string;
  /** The method and path of each request. */
  readonly requests: string[];
  /** The most requests that were under way at once. */
  readonly most: () => number;
  /** From now on answers are held back, and requests pass. */
  readonly holdAnswers: () => void;
}

/** How S3 answers what the credentials do not allow. */
const DENIED: Refusal = {
  status: 403,
  headers: { 'content-type': 'application/xml' },
  body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
};

function answer(outgoing: ServerResponse, { status, headers, body }: Refusal): void {
  outgoing.writeHead(status, headers);
  outgoing.end(body);
}

/** Puts a proxy on the loopback in front of an endpoint, closed after the test. */
export async function httpProxyTo(
  endpoint: string,
  { drop = [], halfway, refuse, refusal = DENIED, tls }: Tricks = {},
): Promise<HttpProxy> {
  const requests: string[] = [];
  let running = 0;
  let most = 0;
  let silent = false;
  const receive: RequestListener = (incoming, outgoing) => {
    if (refuse === undefined) return pass(incoming, outgoing);
    const { method = '', url: path = '' } = incoming;
    const decide = async (): Promise<void> => {
      if (!(await refuse({ method, path }))) return pass(incoming, outgoing);
      incoming.resume();
      incoming.on('end', () => answer(outgoing, refusal));
    };
    void decide();
  };
  const pass: RequestListener = (incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    running += 1;
    most = Math.max(most, running);
    outgoing.on('close', () => (running -= 1));
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !drop.includes(name)));
    const onward = request(`${endpoint.replace(/\/$/, '')}${incoming.url}`, { method: incoming.method, headers });
    onward.on('error', () => outgoing.destroy());
    onward.on('response', (answered: IncomingMessage) => {
      if (silent) {
        answered.destroy();
        return;
      }
      outgoing.writeHead(answered.statusCode ?? 500, { ...answered.headers, connection: 'keep-alive' });
      if (halfway === undefined || incoming.method !== 'GET' || incoming.url?.includes('list-type') === true) {
        answered.pipe(outgoing);
        return;
      }
      answered.once('data', (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, chunk.length >> 1), () => void (halfway === 'cut' && outgoing.destroy()));
        answered.destroy();
      });
    });
    incoming.pipe(onward);
  };
  const server = tls === undefined ? createServer(receive) : createTlsServer(tls, receive);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    most: () => most,
    holdAnswers: () => void (silent = true),
  };
}

/** From the moment at which it is told to begin, refuses each request once: one that asks the same again passes. */
export function eachOnce(): { readonly refuse: NonNullable<Tricks['refuse']>; readonly begin: () => void } {
  const refused = new Set<string>();
  let isBegun = false;
  return {
    async refuse({ method, path }) {
      const asked = `${method} ${path}`;
      if (!isBegun || refused.has(asked)) return false;
      refused.add(asked);
      return true;
    },
    begin: () => void (isBegun = true),
  };
}
