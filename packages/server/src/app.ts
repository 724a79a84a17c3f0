import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { unauthenticated } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import {
  decodeQuery,
  FRAMED_TYPE,
  HEADERS,
  JSON_TYPE,
  RAW_TYPE,
  REQUEST_ID,
  statusOf,
  toWireError,
} from '@securestore/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fastify from 'fastify';
import type { Logger, SecureStore, Session } from 'securestore';
import { limitConnections, reasonOf } from './connections.ts';
import { ConsoleApp } from './console/console-app.ts';
import type { ConsoleRoute } from './console/console-app.ts';
import type { ConsoleFiles } from './console/console-files.ts';
import type { Oidc } from './console/oidc.ts';
import type { OwnOrigin } from './console/own-origin.ts';
import { secure } from './console/security-headers.ts';
import type { Credentials } from './credentials.ts';
import { credentialsOf } from './credentials.ts';
import { asStoreError, defectFields } from './failures.ts';
import type { ServerLimits } from './limits.ts';
import { checkLocations } from './locations.ts';
import { openApiOf } from './openapi.ts';
import { checkBody, frameworkPath, leaveRest, parseJson, refuseMalformed, restOf } from './requests.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { RunningJobs } from './running-jobs.ts';
import { RequestFigures } from './request-figures.ts';
import { UNREADABLE } from './schema-errors.ts';
import { NOTHING } from './schemas.ts';
import { Sessions } from './sessions.ts';
import { SlowPeers } from './slow-peers.ts';
import { Throttle } from './throttle.ts';
import { VERSION } from './version.ts';
import { Work } from './work.ts';

/** What a server is made of. */
export interface AppSettings {
  readonly store: SecureStore;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
  /** The pages of the console, where they are served, and how people sign in there but by a token. */
  readonly console?: { readonly files: ConsoleFiles; readonly oidc: Oidc | undefined } | undefined;
  /** Where browsers find this server. */
  readonly origin: OwnOrigin;
  /** The address of whoever sends a request, for those who prove nothing. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Connections of one address at once; 0 for any number, where a proxy is all that is seen. */
  readonly connectionsPerAddress: number;
  /** Makes the server of Node. */
  readonly serverFactory: (
    handler: (request: IncomingMessage, response: ServerResponse) => void,
  ) => import('node:http').Server;
}

/** Who sends a request, once that is known. */
interface Caller {
  readonly session: Session;
  /** Has what proves it looked at anew the next time. */
  readonly forget: () => void;
}

/** How often somebody who has proved nothing may begin to, a second and address; twenty times as often at once. */
const GUESTS_PER_ADDRESS = 1;
const VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1']);

/** Serves a store: all that happens between a request and its answer. */
export class App {
  readonly fastify: FastifyInstance;
  readonly jobs: RunningJobs = new RunningJobs();
  readonly #work: Work;
  readonly #console: ConsoleApp | undefined;
  readonly #settings: AppSettings;
  readonly #requests = new AsyncLocalStorage<string>();
  readonly #sessions: Sessions;
  readonly #rate: Throttle;
  readonly #failures: Throttle;
  readonly #guests: Throttle;
  readonly #openApi: object;
  readonly #running = new Map<string, number>();
  readonly #callers = new WeakMap<FastifyRequest, Caller>();
  /** The answers on each connection that are not complete. */
  readonly #answers = new WeakMap<Socket, Set<ServerResponse>>();
  readonly #slow: SlowPeers;
  readonly #figures = new RequestFigures();
  readonly #stopping = new AbortController();
  #total = 0;

  constructor(settings: AppSettings) {
    const { store, limits, clock } = settings;
    this.#settings = settings;
    this.#sessions = new Sessions(store, limits.sessionAge, clock, () => this.#requests.getStore());
    this.#rate = new Throttle(limits.ratePerCaller, limits.ratePerCaller * 2, clock);
    this.#failures = new Throttle(limits.failuresPerAddress, limits.failuresPerAddress * 10, clock);
    this.#guests = new Throttle(GUESTS_PER_ADDRESS, GUESTS_PER_ADDRESS * 20, clock);
    this.#slow = new SlowPeers(limits.leastRate, clock);
    this.#work = new Work(clock);
    this.#openApi = openApiOf(ROUTES, VERSION);
    this.fastify = this.#build();
    for (const route of ROUTES) this.#add(route);
    this.#console = this.#consoleOf(settings);
    this.#console?.addTo(this.fastify);
  }

  #consoleOf({ console, origin, limits, clock, store }: AppSettings): ConsoleApp | undefined {
    if (console === undefined) return undefined;
    return new ConsoleApp({
      ...console,
      origin,
      limits,
      clock,
      fingerprint: store.fingerprint,
      port: () => (this.fastify.server.address() as AddressInfo).port,
      prove: (request, credentials) => this.#prove(request, credentials),
      within: (request, run) => this.#requests.run(request.id, run),
      admitGuest: (request) => this.#admitGuest(request),
      admit: (request, reply, session) => {
        this.#callers.set(request, { session, forget: () => this.#console?.forget(request) });
        this.#admit(request, reply);
      },
      checkPlaces: (session, asked) => checkLocations('points.retrieveStream', session, store.backups, asked),
    });
  }

  #build(): FastifyInstance {
    const { limits, connectionsPerAddress, serverFactory } = this.#settings;
    const app = fastify({
      serverFactory: (handler) => {
        const server = serverFactory(handler);
        limitConnections(server, connectionsPerAddress, (reason) => this.#figures.refuse(reason));
        return server;
      },
      bodyLimit: limits.jsonBytes,
      exposeHeadRoutes: false,
      requestIdHeader: false,
      genReqId: (request) => this.#requestIdOf(request),
      // A caller's texts are what they are, or refused: nothing is made of them. `verbose` has errors say what was asked for.
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, verbose: true } },
      routerOptions: {
        querystringParser: (query) => decodeQuery(query) ?? { [UNREADABLE]: '' },
        maxParamLength: 4096,
      },
      frameworkErrors: (error, request, reply) => void this.#fail(error, request, reply),
      clientErrorHandler: (error, socket) => {
        const reason = reasonOf(error);
        if (reason !== undefined) this.#figures.refuse(reason);
        refuseMalformed(error, socket, this.#isAnswering(socket));
      },
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer' }, async (_request: FastifyRequest, bytes: Buffer) =>
      parseJson(bytes),
    );
    app.addContentTypeParser([RAW_TYPE, FRAMED_TYPE], (_request: FastifyRequest, stream: IncomingMessage, done) =>
      done(null, stream),
    );
    app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    app.addHook('onRequest', (request, reply) => this.#receive(request, reply));
    app.setNotFoundHandler(() => {
      throw new SecureStoreError(
        'NOT_FOUND',
        'the interface has nothing under this path and method; see /openapi.json',
      );
    });
    return app;
  }

  #requestIdOf({ headers }: { readonly headers: IncomingMessage['headers'] }): string {
    const given = headers[HEADERS.requestId];
    return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomBytes(12).toString('base64url');
  }

  #add(route: Route): void {
    const { method, path, query, body } = route;
    const json = typeof body === 'object' ? { body: body.json } : {};
    this.fastify.route({
      method,
      url: frameworkPath(path),
      schema: { querystring: query ?? NOTHING, ...json },
      config: { route },
      handler: (request, reply) => this.#requests.run(request.id, () => this.#handle(route, request, reply)),
    });
  }

  /** What every request goes through before anything of its body is read. */
  async #receive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const route = routeOf(request);
    reply.header(HEADERS.requestId, request.id);
    secure(reply);
    this.#follow(request, reply);
    if (!VERSIONS.has(request.raw.httpVersion)) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'this is for HTTP/1.1');
    }
    const page = consoleRouteOf(request);
    if (page?.console === 'open') return;
    // Programs send no origin, and a page of somebody else must not act with the certificate of a browser, or its cookie.
    const isOfPage = page !== undefined || (this.#console !== undefined && ConsoleApp.isOfPage(request.raw));
    this.#settings.origin.check(request.raw, isOfPage);
    if (page !== undefined || route?.access === 'public') return;
    await this.#requests.run(request.id, () => this.#authenticate(request, reply, isOfPage));
    if (route !== undefined) checkBody(route, request.raw);
  }

  async #authenticate(request: FastifyRequest, reply: FastifyReply, isOfPage: boolean): Promise<void> {
    const { session, forget } = isOfPage ? this.#pageCaller(request) : await this.#bearer(request);
    this.#callers.set(request, { session, forget });
    try {
      // A remembered one may have ended since. Calls of it ask that themselves, but not everything here is a call.
      await session.check();
    } catch (error) {
      if (!isOfPage) this.#noteFailure(request, error);
      throw error;
    }
    this.#admit(request, reply);
  }

  #pageCaller(request: FastifyRequest): Caller {
    const found = this.#console?.caller(request);
    if (found === undefined) throw unauthenticated();
    return { session: found.session, forget: () => this.#console?.forget(request) };
  }

  async #bearer(request: FastifyRequest): Promise<Caller> {
    try {
      const credentials = credentialsOf(request.raw);
      this.#checkGuesses(request, credentials);
      const session = await this.#sessions.of(credentials);
      return { session, forget: () => this.#sessions.forget(credentials) };
    } catch (error) {
      this.#noteFailure(request, error);
      throw error;
    }
  }

  /** Begins a session that nobody else has. */
  async #prove(request: FastifyRequest, credentials: Credentials): Promise<Session> {
    try {
      this.#checkGuesses(request, credentials);
      return await this.#settings.store.session(credentials.given, { requestId: () => this.#requests.getStore() });
    } catch (error) {
      this.#noteFailure(request, error);
      throw error;
    }
  }

  /** @throws SecureStoreError `THROTTLED` where there were too many wrong credentials from an address */
  #checkGuesses({ raw }: FastifyRequest, credentials: Credentials): void {
    // Who is known is not put off by what others on the address do: behind a proxy that may be everybody.
    if (!this.#failures.isEmpty(this.#settings.addressOf(raw)) || this.#sessions.knows(credentials)) return;
    throw new SecureStoreError('THROTTLED', 'there were too many wrong credentials from here; try again later');
  }

  #noteFailure({ raw }: FastifyRequest, error: unknown): void {
    if (SecureStoreError.is(error, 'UNAUTHENTICATED')) this.#failures.take(this.#settings.addressOf(raw));
  }

  /** Counts what somebody asks who has proved nothing. @throws SecureStoreError `THROTTLED` */
  #admitGuest({ raw }: FastifyRequest): void {
    if (this.#guests.take(this.#settings.addressOf(raw))) return;
    throw new SecureStoreError('THROTTLED', 'there were too many attempts to sign in from here; try again later');
  }

  /** Counts what a caller has under way. @throws SecureStoreError `THROTTLED` */
  #admit(request: FastifyRequest, reply: FastifyReply): void {
    const principal = this.#principalOf(request) ?? '';
    const { concurrencyPerCaller } = this.#settings.limits;
    if (!this.#rate.take(principal)) {
      throw new SecureStoreError('THROTTLED', 'these are more requests a second than one caller may send; send fewer');
    }
    const running = this.#running.get(principal) ?? 0;
    if (running >= concurrencyPerCaller) {
      throw new SecureStoreError(
        'THROTTLED',
        `one caller may have ${concurrencyPerCaller} requests at once; send fewer`,
      );
    }
    this.#running.set(principal, running + 1);
    reply.raw.once('close', () => {
      const left = (this.#running.get(principal) ?? 1) - 1;
      if (left > 0) this.#running.set(principal, left);
      else this.#running.delete(principal);
    });
  }

  #principalOf(request: FastifyRequest): string | undefined {
    return this.#callers.get(request)?.session.principal;
  }

  /** Whether an answer has begun on a connection and not ended. */
  #isAnswering(socket: Socket): boolean {
    return [...(this.#answers.get(socket) ?? [])].some(({ headersSent }) => headersSent);
  }

  /** Counts a request, and says in the log what became of it. */
  #follow(request: FastifyRequest, reply: FastifyReply): void {
    const { logger, limits } = this.#settings;
    const begun = performance.now();
    this.#total += 1;
    this.#slow.watch(request.raw, reply.raw);
    const { socket } = request.raw;
    const answers = this.#answers.get(socket) ?? new Set();
    this.#answers.set(socket, answers.add(reply.raw));
    reply.raw.once('close', () => answers.delete(reply.raw));
    reply.raw.once('finish', () => {
      // What was open for another request would keep the server from stopping.
      if (this.#stopping.signal.aborted) request.raw.socket.end();
      else leaveRest(request.raw);
    });
    reply.raw.once('close', () => {
      this.#total -= 1;
      // Never the path: it has names of objects.
      const { id, method } = request;
      const route = routeOf(request)?.path ?? (consoleRouteOf(request) && request.routeOptions.url);
      const took = Math.round((performance.now() - begun) * 1000) / 1000;
      const { statusCode, writableEnded } = reply.raw;
      this.#figures.add(route === undefined ? 'none' : `${method} ${route}`, statusCode, took);
      if (logger === undefined) return;
      const principal = this.#principalOf(request);
      logger.info(
        { requestId: id, method, route, status: statusCode, took, principal, whole: writableEnded },
        'request',
      );
    });
    if (this.#total > limits.concurrency) {
      throw new SecureStoreError('THROTTLED', 'the server has as much to do as it takes on; try again');
    }
  }

  async #handle(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { store, limits } = this.#settings;
    const gone = new AbortController();
    // Not by `writableFinished`, which is false for as long as the system has not taken all of it.
    reply.raw.once('close', () => {
      if (!reply.raw.writableEnded) gone.abort();
    });
    const context = {
      session: this.#callers.get(request)?.session,
      query: request.query,
      body: request.body,
      headers: request.headers,
      rest: restOf(route, request.raw.url ?? ''),
      stream: request.raw,
      reply,
      signal: gone.signal,
      limits,
      params: request.params as Readonly<Record<string, string>>,
      jobs: this.jobs,
      work: this.#work,
      route,
      stopping: this.#stopping.signal,
      metrics: async () => `${await store.metrics.prometheus()}${this.#figures.text(this.#total)}`,
      store,
      openApi: () => this.#openApi,
    };
    if (context.session !== undefined) {
      await checkLocations(route.access, context.session, store.backups, context.query, context.body);
    }
    // What the schemas of the route have let through is what its handler takes.
    const result = await route.handle(context as never);
    return result === undefined && !reply.sent ? reply.send() : result;
  }

  /** Takes no more requests, waits for those under way, and ends what takes too long. */
  async close(): Promise<void> {
    const { limits, clock } = this.#settings;
    this.#stopping.abort(
      new SecureStoreError('UNAVAILABLE', 'the server is stopping: what was begun goes on when it is there again', {
        outcome: 'unknown',
      }),
    );
    const closed = new AbortController();
    const late = clock.sleep(limits.stopTimeout, closed.signal, { ref: false }).then(
      () => this.fastify.server.closeAllConnections(),
      () => undefined,
    );
    await this.fastify.close();
    closed.abort();
    await late;
    this.#console?.close();
    this.#slow.end();
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const known = asStoreError(error);
    const told = toWireError(known, request.id);
    const { logger } = this.#settings;
    if (told.code === 'INTERNAL') logger?.error({ requestId: request.id, ...defectFields(error) }, 'a defect');
    const caller = this.#callers.get(request);
    if (told.code === 'UNAUTHENTICATED') {
      caller?.forget();
      reply.header('www-authenticate', 'Bearer');
    }
    if (told.code === 'THROTTLED') reply.header('retry-after', '1');
    for (const name of ['content-length', 'etag', 'last-modified', 'accept-ranges', HEADERS.info, HEADERS.metadata]) {
      reply.removeHeader(name);
    }
    return reply
      .code(statusFor(known, told.code, request))
      .type(JSON_TYPE)
      .send({ error: told });
  }
}

function routeOf(request: FastifyRequest): Route | undefined {
  return (request.routeOptions.config as { readonly route?: Route } | undefined)?.route;
}

function consoleRouteOf(request: FastifyRequest): ConsoleRoute | undefined {
  const config = request.routeOptions.config as Partial<ConsoleRoute> | undefined;
  return config?.console === undefined ? undefined : { console: config.console };
}

function statusFor(error: unknown, code: Parameters<typeof statusOf>[0], { headers }: FastifyRequest): number {
  const own = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  if (SecureStoreError.is(error) && typeof own === 'number') return own;
  const isConditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
  return code === 'CONFLICT' && isConditional ? 412 : statusOf(code);
}
