import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { MemoryBackend } from '@securestore/backend-memory';
import type { OpenOptions, Rule, SecureStore } from 'securestore';
import { addPrincipal, createStore, grantRole, rawKey, setRole } from 'securestore';
import { onTestFinished } from 'vitest';
import type { RunningServer, ServerOptions } from '../../src/index.ts';
import { serve } from '../../src/index.ts';

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: () => unknown;
}

export interface Sent {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array | undefined;
}

/** What a server has logged. */
export interface Logged {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** A store in memory that is served, and everything that the server has logged. */
export interface World {
  readonly store: SecureStore;
  readonly server: RunningServer;
  readonly port: number;
  readonly logged: Logged[];
  /** Sends a request whose path is not changed on the way. */
  readonly send: (method: string, path: string, sent?: Sent) => Promise<Answer>;
  /** Makes somebody with these rules, and gives a token of theirs. */
  readonly somebody: (name: string, rules: readonly Rule[]) => Promise<string>;
  /** Sends bytes as they are, and gives what came back when the other side has closed, or been silent. */
  readonly raw: (bytes: string | Buffer) => Promise<string>;
}

export const EVERYTHING: readonly Rule[] = [{ effect: 'allow', actions: ['*'] }];

/** How long a raw connection may be silent after an answer has begun before it counts as whole, in milliseconds. */
const SILENCE = 300;
/** How long a machine that is busy may take to begin one, or to end one after which the connection is closed. */
const PATIENCE = 20_000;

/** Sends bytes as they are, and gives the answer when the other side has closed, or been silent. */
export function rawSend(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const silence = /^connection: close$/im.test(String(bytes)) ? PATIENCE : SILENCE;
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      socket.setTimeout(silence);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}

/** Sends a request on a connection of its own, whose path is not changed on the way. */
export function sendTo(
  port: number,
  method: string,
  path: string,
  { token, headers, body }: Sent = {},
): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const isChunked = headers?.['transfer-encoding'] !== undefined;
  const length = body === undefined || isChunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const all = { ...authorization, ...length, ...headers };
    const asked = httpRequest({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const whole = Buffer.concat(chunks);
        const json = (): unknown => JSON.parse(whole.toString('utf8'));
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole, json });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Serves a new store until the test has ended. */
export async function world(options: ServerOptions = {}, storeOptions: Partial<OpenOptions> = {}): Promise<World> {
  const unlock = rawKey(Buffer.alloc(32, 9));
  const { clock } = storeOptions;
  const backend = clock === undefined ? {} : { backend: new MemoryBackend({ clock: () => clock.now() }) };
  const store = await createStore(`memory:${randomUUID()}`, {
    unlock,
    maintenance: false,
    ...backend,
    ...storeOptions,
  });
  onTestFinished(() => store.close());
  const logged: Logged[] = [];
  const note = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const server = await serve(store, { port: 0, logger, ...options });
  onTestFinished(() => server.close());
  const port = Number(new URL(server.url).port);
  return {
    store,
    server,
    port,
    logged,
    send: (method, path, sent) => sendTo(port, method, path, sent),
    raw: (bytes) => rawSend(port, bytes),
    async somebody(name, rules) {
      await store.access.change([
        setRole(`of ${name}`, rules),
        addPrincipal(name, 'service'),
        grantRole(name, `of ${name}`),
      ]);
      return (await store.access.createToken(name)).token;
    },
  };
}

/** The code of an answer that is an error. */
export function codeIn(answer: Answer): string | undefined {
  if (answer.status < 400) return undefined;
  return (answer.json() as { readonly code: string }).code;
}
