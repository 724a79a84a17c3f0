import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { unauthenticated } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { decodeQuery, FRAMED_TYPE, HEADERS, JSON_TYPE, RAW_TYPE } from '@securestore/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fastify from 'fastify';
import type { AppSettings } from './app-settings.ts';
import { Admission } from './limits/admission.ts';
import type { Caller } from './caller/callers.ts';
import { callerOf, Callers } from './caller/callers.ts';
import type { Refusal } from './limits/connections.ts';
import { limitConnections, reasonOf } from './limits/connections.ts';
import type { WorkerFigures } from './workers/messages.ts';
import { ConsoleApp } from './console/console-app.ts';
import { secure } from './request/security-headers.ts';
import { answerFailure } from './request/answer-failure.ts';
import { checkDestinations } from './exchange/locations.ts';
import { openApiOf } from './exchange/openapi.ts';
import {
  checkBody,
  checkVersion,
  consoleRouteOf,
  frameworkPath,
  parseJson,
  refuseMalformed,
  restOf,
  routeOf,
} from './exchange/requests.ts';
import { RequestsUnderWay } from './exchange/requests-under-way.ts';
import type { Route } from './exchange/route.ts';
import { LISTING_ROUTES } from './routes/listing.ts';
import { OBJECT_CALL_ROUTES } from './routes/index.ts';
import { RunningJobs } from './work/running-jobs.ts';
import { RequestIds } from './request/request-ids.ts';
import { UNREADABLE } from './request/schema-errors.ts';
import { NOTHING } from './request/schemas.ts';
import { buildValidator } from './request/schema-compiler.ts';
import { VERSION } from './request/version.ts';
import { Work } from './work/work.ts';
import { extensionsOf } from '@securestore/objects/internal';

/** Routes whose requests are listings, of which one caller may have few at once. */
const LISTINGS: ReadonlySet<Route> = new Set(LISTING_ROUTES);
/** Routes that change nothing but objects, which every process reads from the backend. */
const OF_OBJECTS: ReadonlySet<Route> = new Set(OBJECT_CALL_ROUTES);
const CHANGING: ReadonlySet<string> = new Set(['PUT', 'POST', 'DELETE']);

/** Serves a store: all that happens between a request and its answer. */
export class App {
  readonly fastify: FastifyInstance;
  readonly jobs: RunningJobs = new RunningJobs();
  readonly #work: Work;
  readonly #console: ConsoleApp | undefined;
  readonly #settings: AppSettings;
  readonly #requests = new AsyncLocalStorage<string>();
  readonly #callers: Callers;
  readonly #admission: Admission;
  readonly #openApi: object;
  readonly #known = new WeakMap<FastifyRequest, Caller>();
  readonly #underWay: RequestsUnderWay;
  readonly #ids = new RequestIds();
  readonly #stopping = new AbortController();

  constructor(settings: AppSettings) {
    const { limits, clock } = settings;
    this.#settings = settings;
    this.#callers = new Callers(settings, () => this.#requests.getStore());
    this.#admission = new Admission(limits, settings.counts, clock);
    this.#underWay = new RequestsUnderWay(settings, (request) => this.#principalOf(request), this.#stopping.signal);
    this.#work = new Work(clock);
    this.#openApi = openApiOf(settings.routes, VERSION);
    this.fastify = this.#build();
    for (const route of settings.routes) this.#add(route);
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
      port: this.#settings.port,
      prove: ({ raw }, credentials) => this.#callers.begin(raw, credentials),
      within: (request, run) => this.#requests.run(request.id, run),
      admitGuest: ({ raw }) => this.#admission.admitGuest(this.#settings.addressOf(raw)),
      admit: (request, reply, session) => {
        this.#known.set(
          request,
          callerOf(session, () => this.#console?.forget(request)),
        );
        return this.#admission.admit(session.principal, reply.raw);
      },
      checkPlaces: (session, asked) =>
        checkDestinations('recoveryPoints.retrieveStream', session, store.backups, asked),
    });
  }

  #build(): FastifyInstance {
    const { limits, connectionsPerAddress, serverFactory } = this.#settings;
    const app = fastify({
      serverFactory: (handler) => {
        const server = serverFactory(handler);
        limitConnections(server, connectionsPerAddress, (reason) => this.#underWay.refuse(reason));
        return server;
      },
      bodyLimit: limits.jsonBytes,
      exposeHeadRoutes: false,
      requestIdHeader: false,
      genReqId: (request) => this.#ids.of(request),
      // A caller's texts are what they are, or refused: nothing is made of them. `verbose` has errors say what was asked for.
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, verbose: true } },
      schemaController: { compilersFactory: { buildValidator } },
      routerOptions: {
        querystringParser: (query) => decodeQuery(query) ?? { [UNREADABLE]: '' },
        maxParamLength: 4096,
      },
      frameworkErrors: (error, request, reply) => void this.#fail(error, request, reply),
      clientErrorHandler: (error, socket) => {
        const reason = reasonOf(error);
        if (reason !== undefined) this.#underWay.refuse(reason);
        refuseMalformed(error, socket, this.#underWay.isAnswering(socket));
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
      throw new SecureStoreError('NOT_FOUND', 'no such path and method exist: /openapi.json has all');
    });
    return app;
  }

  #add(route: Route): void {
    const { method, path, query, body } = route;
    const json = typeof body === 'object' ? { body: body.json } : {};
    this.fastify.route({
      method,
      url: frameworkPath(path),
      schema: { querystring: query ?? NOTHING, ...json },
      config: { route, figures: `${method} ${path}` },
      handler: (request, reply) => this.#requests.run(request.id, () => this.#handle(route, request, reply)),
    });
  }

  /** What every request goes through before anything of its body is read. */
  async #receive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const route = routeOf(request);
    reply.header(HEADERS.requestId, request.id);
    secure(reply);
    this.#underWay.follow(request, reply);
    const admitted = this.#admission.admitRequest(reply.raw);
    if (admitted !== undefined) await admitted;
    checkVersion(request.raw);
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
    const caller = isOfPage ? this.#pageCaller(request) : await this.#callers.bearer(request.raw);
    this.#known.set(request, caller);
    // A remembered one may have ended since. Calls of it ask that themselves, but not everything here is a call.
    await caller.check();
    const admitted = this.#admission.admit(caller.session.principal, reply.raw);
    if (admitted !== undefined) await admitted;
  }

  #pageCaller(request: FastifyRequest): Caller {
    const found = this.#console?.caller(request);
    if (found === undefined) throw unauthenticated();
    return callerOf(found.session, () => this.#console?.forget(request));
  }

  #principalOf(request: FastifyRequest): string | undefined {
    return this.#known.get(request)?.session.principal;
  }

  async #handle(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { store, limits } = this.#settings;
    const gone = new AbortController();
    // Not by `writableFinished`, which is false for as long as the system has not taken all of it.
    reply.raw.once('close', () => {
      if (!reply.raw.writableEnded) gone.abort();
    });
    const context = {
      session: this.#known.get(request)?.session,
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
      metrics: () => this.#metrics(),
      readiness: () => ({
        isShut: extensionsOf(store).health.isShut,
        isFailClosed: store.audit.status.mode === 'fail-closed',
      }),
      isBlocked: async (signal: AbortSignal) => (await extensionsOf(store).health.blocked(signal)) !== undefined,
      store,
      openApi: () => this.#openApi,
    };
    if (context.session !== undefined) {
      await checkDestinations(route.access, context.session, store.backups, context.query, context.body);
    }
    if (LISTINGS.has(route) && context.session !== undefined) {
      await this.#admission.admitListing(context.session.principal, reply.raw);
    }
    // What the schemas of the route have let through is what its handler takes.
    const result = await this.#told(route, () => route.handle(context as never));
    return result === undefined && !reply.sent ? reply.send() : result;
  }

  /** Answers only when the other processes know what was changed. */
  async #told(route: Route, handle: () => Promise<unknown>): Promise<unknown> {
    const { others } = this.#settings;
    if (others === undefined || !CHANGING.has(route.method) || OF_OBJECTS.has(route)) return handle();
    try {
      return await handle();
    } finally {
      await others.refresh();
    }
  }

  async #metrics(): Promise<string> {
    const { store, others } = this.#settings;
    await others?.report();
    return `${await store.metrics.prometheus()}${this.#underWay.metrics(others?.running ?? 0)}`;
  }

  /** Figures of this process since the last call, for the process of the server. */
  drain(): WorkerFigures {
    const { running } = this.#underWay;
    return { running, requests: this.#underWay.drain(), backend: this.#settings.store.metrics.drain() };
  }

  /** Adds what another process of the server has counted. */
  absorb({ requests, backend }: WorkerFigures): void {
    this.#underWay.absorb(requests);
    this.#settings.store.metrics.absorb(backend);
  }

  /** Aborts when the server is to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Counts a connection that ended before there was a request. */
  refuse(reason: Refusal): void {
    this.#underWay.refuse(reason);
  }

  /** Takes no more requests, waits for those under way, and ends what takes too long. */
  async close(): Promise<void> {
    const { limits, clock, connections } = this.#settings;
    this.#stopping.abort(
      new SecureStoreError('UNAVAILABLE', 'the server is stopping. Jobs can be resumed when it runs again.', {
        outcome: 'unknown',
        advice: [{ id: 'try-again' }],
      }),
    );
    const closed = new AbortController();
    const late = clock.sleep(limits.closeTimeout, closed.signal, { ref: false }).then(
      () => (connections === undefined ? this.fastify.server.closeAllConnections() : connections.end()),
      () => undefined,
    );
    await Promise.all([this.fastify.close(), connections?.drain()]);
    closed.abort();
    await late;
    this.#console?.close();
    this.#underWay.end();
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const told = answerFailure(error, request, reply, this.#settings.logger);
    if (told === 'UNAUTHENTICATED') this.#known.get(request)?.forget();
    return reply;
  }
}
