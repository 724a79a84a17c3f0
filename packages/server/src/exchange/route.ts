import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Action, SessionCall } from '@securestore/acl';
import type { FastifyReply } from 'fastify';
import type { SecureStore, Session } from 'securestore';
import type { Static, TObject, TSchema } from 'typebox';
import type { ServerLimits } from '../limits/limits.ts';
import type { Readiness } from '../work/readiness.ts';
import type { RunningJobs } from '../work/running-jobs.ts';
import type { Work } from '../work/work.ts';

/**
 * What a request takes: the call of a session, whose action the access policy decides about; `authenticated`, for what everybody may
 * know who is known; or `public`, for what says nothing of what is in the store.
 */
export type RouteAccess = SessionCall | 'authenticated' | 'public';

/** What the body of a request is. */
export type RouteBody = { readonly json: TSchema } | 'data' | 'message';

/** What a request is answered with where it succeeds. */
export interface RouteAnswer {
  readonly description: string;
  readonly json?: TSchema;
  /** Where it is no JSON: what it is. */
  readonly media?: readonly string[];
}

/** What a handler works with. What it asks of the store it asks of the session. */
export interface RouteContext<Query = Readonly<Record<string, string>>, Body = unknown> {
  readonly session: Session;
  readonly query: Query;
  readonly body: Body;
  readonly headers: IncomingHttpHeaders;
  /** What the path says after the part that is always the same, as it was sent. */
  readonly rest: string;
  /** The body of a request that brings data. */
  readonly stream: Readable;
  readonly reply: FastifyReply;
  /** Aborts when nobody waits for an answer any more. */
  readonly signal: AbortSignal;
  readonly limits: ServerLimits;
  /** The ids in the path. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborts when the server is to stop: what would go on for long is answered then. */
  readonly stopping: AbortSignal;
  /** What is measured, as text. For those who may ask how the store is. */
  readonly metrics: () => Promise<string>;
  /** Whether this process can't go on with the store by itself. `signal` ends the look at it. */
  readonly isBlocked: (signal: AbortSignal) => Promise<boolean>;
  /** What besides its health decides whether the store can be used. */
  readonly readiness: () => Readiness;
  /** What was started over this server. */
  readonly jobs: RunningJobs;
  /** What came of it. */
  readonly work: Work;
  /** What was asked for. */
  readonly route: Pick<Route, 'access' | 'method' | 'path'>;
  /** What of the store is no call of a session: who it is, and nothing that it holds. */
  readonly store: Pick<SecureStore, 'fingerprint'>;
  /** The description of the interface. */
  readonly openApi: () => object;
}

/** One thing that can be asked of the server: everything that is known of it follows from here. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** In the notation of OpenAPI. `{key}` is the whole end of the path. */
  readonly path: string;
  readonly access: RouteAccess;
  /** Actions that it takes beside its own, by what it is given. */
  readonly further?: readonly Action[];
  readonly summary: string;
  readonly description?: string;
  readonly query?: TObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RouteBody;
  readonly answer: RouteAnswer;
  readonly handle: (context: RouteContext<never, never>) => Promise<unknown>;
}

type BodyOf<B> = B extends { readonly json: infer S extends TSchema } ? Static<S> : undefined;
type QueryOf<Q> = Q extends TObject ? Static<Q> : Readonly<Record<string, never>>;

/** A route, whose handler is given what its schemas let through. */
export function route<
  const Q extends TObject | undefined = undefined,
  const B extends RouteBody | undefined = undefined,
>(
  given: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Q;
    readonly body?: B;
    readonly handle: (context: RouteContext<QueryOf<Q>, BodyOf<B>>) => Promise<unknown>;
  },
): Route {
  return given as Route;
}
