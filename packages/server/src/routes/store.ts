import { SecureStoreError } from '@securestore/core-format';
import { Type } from 'typebox';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { readinessOf } from '../work/readiness.ts';
import { exactly, HEALTH_REPORT } from '../request/schemas.ts';

/** What `/readyz` allows the store to answer in, in milliseconds: those who ask wait for a second or a few. */
const READY_WITHIN = 2000;

/** How long `/healthz` waits for a look at the store, in milliseconds: a backend that hangs is no fault of the process. */
const ALIVE_WITHIN = 500;

/** What is asked about the store itself. */
export const STORE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    access: 'public',
    summary: 'check that the server is alive; 503 if this process cannot continue with the store by itself',
    answer: { description: 'the server is alive', json: exactly({ status: Type.String({ enum: ['ok', 'failing'] }) }) },
    async handle({ isBlocked, reply, signal }) {
      const failing = await isBlocked(AbortSignal.any([signal, AbortSignal.timeout(ALIVE_WITHIN)]));
      if (failing) reply.code(503);
      return { status: failing ? 'failing' : 'ok' };
    },
  }),
  route({
    method: 'GET',
    path: '/readyz',
    access: 'health',
    summary: 'check that the store can be used through this server; 503 if it cannot',
    answer: {
      description: 'the store can be used',
      json: exactly({ status: Type.String({ enum: ['ok', 'degraded', 'failing'] }) }),
    },
    async handle({ session, readiness, reply, signal }) {
      const status = readinessOf(await session.health({ timeout: READY_WITHIN, signal }), readiness());
      if (status === 'failing') reply.code(503);
      return { status };
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    access: 'health',
    summary: 'show the metrics of the store and of this server, for Prometheus',
    answer: { description: 'the metrics', media: ['text/plain'] },
    async handle({ session, metrics, reply, signal }) {
      if (!(await session.allows('health', undefined, { signal }))) {
        throw new SecureStoreError('ACCESS_DENIED', 'metrics: health is not allowed', {
          advice: [{ id: 'ask-for-permission', action: 'health' }],
        });
      }
      reply.type('text/plain; version=0.0.4; charset=utf-8');
      return metrics();
    },
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    access: 'authenticated',
    summary: 'show the description of this API',
    answer: { description: 'a document of OpenAPI 3.1', json: Type.Object({}, { additionalProperties: true }) },
    handle: async ({ openApi }) => openApi(),
  }),
  route({
    method: 'GET',
    path: '/v1/store',
    access: 'authenticated',
    summary: 'show the fingerprint of the store, and the name of the caller',
    answer: {
      description: 'the fingerprint and the principal name',
      json: exactly({ fingerprint: Type.String(), principal: Type.String() }),
    },
    handle: async ({ store, session }) => ({ fingerprint: store.fingerprint, principal: session.principal }),
  }),
  route({
    method: 'GET',
    path: '/v1/health',
    access: 'health',
    summary: 'check the health of the store, with advice on each finding',
    query: exactly({
      timeout: Type.Optional(
        Type.String({
          pattern: '^[1-9][0-9]{0,5}$',
          title: 'a whole number of 1 to 999999',
          description: 'how long the check may take, in milliseconds',
        }),
      ),
    }),
    answer: { description: 'the report', json: HEALTH_REPORT },
    handle: ({ session, query: { timeout }, signal }) =>
      session.health(timeout === undefined ? { signal } : { timeout: Number(timeout), signal }),
  }),
];
