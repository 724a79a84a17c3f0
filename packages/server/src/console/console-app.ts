import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ACTIONS, isObjectAction } from '@securestore/acl';
import type { Permission, StoreAction } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type {
  ConsoleSession,
  ConsoleSettings,
  Download,
  DownloadRequest,
  OidcStart,
  SignIn,
} from '@securestore/protocol';
import { CONSOLE_HEADERS, CONSOLE_PATHS } from '@securestore/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Session } from 'securestore';
import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import type { Credentials } from '../caller/credentials.ts';
import type { ConsoleRoute } from '../exchange/requests.ts';
import { checkBody } from '../exchange/requests.ts';
import { exactly } from '../request/schemas.ts';
import { VERSION as SERVER_VERSION } from '../request/version.ts';
import type { ConsoleFiles } from './console-files.ts';
import type { ConsoleEntry, SessionLimits } from './console-sessions.ts';
import { ConsoleSessions } from './console-sessions.ts';
import type { CookieSettings } from './cookies.ts';
import { cookieIn, cookieSettings, setCookie } from './cookies.ts';
import { answerDownload, DOWNLOAD, lookAhead } from './answer-download.ts';
import { Downloads, fileNameOf } from './downloads.ts';
import type { Oidc } from './oidc.ts';
import type { OwnOrigin } from './own-origin.ts';

/** What the console asks of the server that it is a part of. */
export interface ConsolePorts {
  readonly files: ConsoleFiles;
  readonly origin: OwnOrigin;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly fingerprint: string;
  readonly oidc: Oidc | undefined;
  /** The port of the server. */
  readonly port: () => number;
  /** Begins a session of the store for a caller with these credentials, and not too often for one who guesses. */
  readonly prove: (request: FastifyRequest, credentials: Credentials) => Promise<Session>;
  /** Runs what serves a request, so that what it does is recorded with its id. */
  readonly within: <T>(request: FastifyRequest, run: () => Promise<T>) => Promise<T>;
  /** Counts the requests of a caller without valid credentials. @throws SecureStoreError `THROTTLED` */
  readonly admitGuest: (request: FastifyRequest) => void;
  /** Counts what a caller has under way. @throws SecureStoreError `THROTTLED` */
  readonly admit: (request: FastifyRequest, reply: FastifyReply, session: Session) => Promise<void> | undefined;
  /** Refuses places that a caller may not have looked at. @throws SecureStoreError `ACCESS_DENIED` */
  readonly checkPlaces: (session: Session, asked: object) => Promise<void>;
}

/** A person in a browser. */
export interface ConsoleCaller {
  readonly session: Session;
  readonly entry: ConsoleEntry;
  readonly id: string;
}

const SIGN_IN = exactly({ token: Type.String({ minLength: 1, maxLength: 16 * 1024 }) });
/** Bodies of those who have proved nothing, in bytes: a token of any kind fits. */
const MAX_GUEST_BODY = 32 * 1024;
const START = exactly({ provider: Type.String({ maxLength: 64 }) });

interface PageRoute {
  readonly method: 'GET' | 'POST' | 'DELETE' | readonly ['GET', 'HEAD'];
  readonly url: string;
  /** Of its body; without it it takes none. */
  readonly body?: TSchema;
  readonly isOpen?: boolean;
  /** Whether it is for a page of a person who is signed in: of others its body is not read. */
  readonly isSignedIn?: boolean;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

const STORE_ACTIONS = ACTIONS.filter((action): action is StoreAction => !isObjectAction(action));

/** The pages, who is signed in to them, and what they can't ask for by the interface alone. */
export class ConsoleApp {
  readonly #ports: ConsolePorts;
  readonly #sessions: ConsoleSessions;
  readonly #downloads: Downloads;

  constructor(ports: ConsolePorts) {
    this.#ports = ports;
    this.#sessions = new ConsoleSessions(ports.limits, ports.clock);
    this.#downloads = new Downloads(ports.clock);
  }

  get #cookie(): CookieSettings {
    return cookieSettings('securestore', this.#ports.origin.isSecure, this.#ports.port(), 'Strict');
  }

  get #oidcCookie(): CookieSettings {
    return cookieSettings('securestore-oidc', this.#ports.origin.isSecure, this.#ports.port(), 'Lax');
  }

  /** Whether a request is of a page: it brings what only that has. */
  static isOfPage({ headers }: IncomingMessage): boolean {
    return headers[CONSOLE_HEADERS.csrf] !== undefined && headers.authorization === undefined;
  }

  /** The caller who sends a request with both halves of a session. @throws SecureStoreError `UNAUTHENTICATED` */
  caller(request: FastifyRequest): ConsoleCaller {
    const found = this.#signedIn(request);
    const given = request.headers[CONSOLE_HEADERS.csrf];
    if (typeof given === 'string' && this.#sessions.isCsrf(found.id, given)) return found;
    throw new SecureStoreError('UNAUTHENTICATED', `the header ${CONSOLE_HEADERS.csrf} must be what the session gave`);
  }

  /** The caller who has the cookie, which is only half of a session. */
  #signedIn({ raw, headers }: FastifyRequest): ConsoleCaller {
    const id = cookieIn(raw, this.#cookie);
    const entry = this.#sessions.of(id, headers[CONSOLE_HEADERS.unattended] !== 'true');
    return { session: entry.session, entry, id: id ?? '' };
  }

  /** Ends the session that a request has, if it is over anyway. */
  forget({ raw }: FastifyRequest): void {
    this.#sessions.end(cookieIn(raw, this.#cookie));
  }

  /** Ends all sessions. */
  close(): void {
    this.#sessions.close();
  }

  /** Adds the routes of the console to those of the interface. */
  addTo(app: FastifyInstance): void {
    const { files, oidc } = this.#ports;
    const { page, settings, session, downloads } = CONSOLE_PATHS;
    const add = (route: PageRoute): void => this.#add(app, route);
    // Monitoring asks for the head of a page.
    const method = ['GET', 'HEAD'] as const;
    add({ method, url: '/', isOpen: true, handle: async (_, reply) => reply.redirect(page, 303) });
    add({ method, url: '/console', isOpen: true, handle: async (_, reply) => reply.redirect(page, 308) });
    add({
      method,
      url: `${page}*`,
      isOpen: true,
      handle: async (request, reply) => files.answer(restIn(request), request, reply),
    });
    add({ method: 'GET', url: settings, handle: async () => this.#settings() });
    add({ method: 'POST', url: session, body: SIGN_IN, handle: (request, reply) => this.#signIn(request, reply) });
    add({ method: 'GET', url: session, handle: (request, reply) => this.#told(request, reply) });
    add({ method: 'DELETE', url: session, handle: async (request, reply) => this.#signOut(request, reply) });
    add({
      method: 'POST',
      url: downloads,
      body: DOWNLOAD,
      isSignedIn: true,
      handle: (request, reply) => this.#askDownload(request, reply),
    });
    add({ method: 'GET', url: `${downloads}/:id`, handle: (request, reply) => this.#download(request, reply) });
    if (oidc === undefined) return;
    add({
      method: 'POST',
      url: CONSOLE_PATHS.oidc,
      body: START,
      handle: (request, reply) => this.#startOidc(oidc, request, reply),
    });
    add({
      method: 'GET',
      url: CONSOLE_PATHS.callback,
      isOpen: true,
      handle: (request, reply) => this.#endOidc(oidc, request, reply),
    });
  }

  #add(app: FastifyInstance, { method, url, body, isOpen = false, isSignedIn = false, handle }: PageRoute): void {
    const config: ConsoleRoute = { console: isOpen ? 'open' : 'own' };
    app.route({
      method: typeof method === 'string' ? method : [...method],
      url,
      config,
      ...(body !== undefined && { schema: { body } }),
      ...(!isSignedIn && { bodyLimit: MAX_GUEST_BODY }),
      onRequest: async (request) => {
        if (isSignedIn) this.caller(request);
        checkBody(body === undefined ? {} : { body: { json: body } }, request.raw);
      },
      handler: (request, reply) => this.#ports.within(request, () => handle(request, reply)),
    });
  }

  async #startOidc(oidc: Oidc, request: FastifyRequest, reply: FastifyReply): Promise<OidcStart> {
    this.#ports.admitGuest(request);
    const { url, id } = await oidc.begin((request.body as { readonly provider: string }).provider);
    reply.header('set-cookie', setCookie(this.#oidcCookie, id, oidc.lifetime / 1000));
    return { url };
  }

  async #endOidc(oidc: Oidc, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { page } = CONSOLE_PATHS;
    const cookies = [setCookie(this.#oidcCookie, '', 0)];
    try {
      const token = await oidc.end(cookieIn(request.raw, this.#oidcCookie), request.raw.url ?? '');
      cookies.push((await this.#begin(request, token)).cookie);
      return reply.header('set-cookie', cookies).redirect(page, 303);
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      // What is wrong stands in the log of the server; the page says what its code means.
      return reply.header('set-cookie', cookies).redirect(`${page}#/sign-in?error=${error.code}`, 303);
    }
  }

  #settings(): ConsoleSettings {
    return { version: SERVER_VERSION, providers: this.#ports.oidc?.providers ?? [] };
  }

  /** Begins a session, and ends the one that the browser had. @returns its id, and the header that sets its cookie */
  async #begin(request: FastifyRequest, token: string): Promise<{ readonly id: string; readonly cookie: string }> {
    const credentials = { given: { token }, name: `token ${hash('sha256', token, 'base64url')}` };
    const session = await this.#ports.prove(request, credentials);
    this.#sessions.end(cookieIn(request.raw, this.#cookie));
    const id = this.#sessions.begin(session);
    return { id, cookie: setCookie(this.#cookie, id) };
  }

  async #signIn(request: FastifyRequest, reply: FastifyReply): Promise<ConsoleSession> {
    const { id, cookie } = await this.#begin(request, (request.body as SignIn).token);
    reply.header('set-cookie', cookie);
    const entry = this.#sessions.of(id, true);
    return this.#describe({ session: entry.session, entry, id });
  }

  async #told(request: FastifyRequest, reply: FastifyReply): Promise<ConsoleSession> {
    const caller = this.#signedIn(request);
    await this.#ports.admit(request, reply, caller.session);
    return this.#describe(caller);
  }

  async #describe({ session, entry, id }: ConsoleCaller): Promise<ConsoleSession> {
    const { fingerprint, limits, clock } = this.#ports;
    const permissions = {} as Record<StoreAction, Permission>;
    for (const action of STORE_ACTIONS) permissions[action] = await session.permission(action);
    return {
      principal: session.principal,
      fingerprint,
      csrf: this.#sessions.csrfOf(id),
      idle: limits.consoleIdle,
      left: this.#sessions.left(entry),
      ends: new Date(clock.now() + this.#sessions.ageLeft(entry)).toISOString(),
      permissions,
    };
  }

  #signOut(request: FastifyRequest, reply: FastifyReply): object {
    this.#sessions.end(this.caller(request).id);
    reply.header('set-cookie', setCookie(this.#cookie, '', 0));
    return {};
  }

  async #askDownload(request: FastifyRequest, reply: FastifyReply): Promise<Download> {
    const { session, entry } = this.caller(request);
    await this.#ports.admit(request, reply, session);
    const asked = request.body as DownloadRequest;
    await this.#ports.checkPlaces(session, asked);
    const outlook = await lookAhead(session, asked, reply);
    const id = this.#downloads.add(entry, asked);
    return { url: `${CONSOLE_PATHS.downloads}/${id}`, name: fileNameOf(asked), ...outlook };
  }

  async #download(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { session, entry } = this.#signedIn(request);
    await this.#ports.admit(request, reply, session);
    const asked = this.#downloads.take((request.params as { readonly id: string }).id, entry);
    // Again: the place may have been unregistered meanwhile.
    await this.#ports.checkPlaces(session, asked);
    return answerDownload(session, asked, reply);
  }
}

/** The name of a file below the page, as it was sent: those that there are need no encoding. */
function restIn({ raw }: FastifyRequest): string {
  const [path = ''] = (raw.url ?? '').split('?', 1);
  return path.slice(CONSOLE_PATHS.page.length);
}
