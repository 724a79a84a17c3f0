import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '@securestore/jobs';
import type { Logger } from 'securestore';
import type { Refusal } from '../limits/connections.ts';
import type { ServerLimits } from '../limits/limits.ts';
import { consoleRouteOf, figuresNameOf, leaveRest, routeOf } from './requests.ts';
import type { FiguresRecord } from '../limits/request-figures.ts';
import { RequestFigures } from '../limits/request-figures.ts';
import { SlowPeers } from '../limits/slow-peers.ts';

interface UnderWaySettings {
  readonly limits: Pick<ServerLimits, 'leastRate'>;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

/** What a server is at: so many requests at once, and of each is told what became of it. */
export class RequestsUnderWay {
  readonly #settings: Pick<UnderWaySettings, 'logger'>;
  readonly #principalOf: (request: FastifyRequest) => string | undefined;
  readonly #stopping: AbortSignal;
  readonly #slow: SlowPeers;
  readonly #figures = new RequestFigures();
  /** The answers on each connection that are not complete. */
  readonly #answers = new WeakMap<Socket, Set<ServerResponse>>();
  #total = 0;

  /** @param principalOf who a request is from, once that is known */
  constructor(
    settings: UnderWaySettings,
    principalOf: (request: FastifyRequest) => string | undefined,
    stopping: AbortSignal,
  ) {
    this.#settings = settings;
    this.#principalOf = principalOf;
    this.#stopping = stopping;
    this.#slow = new SlowPeers(settings.limits.leastRate, settings.clock);
  }

  /** Whether an answer has begun on a connection and not ended. */
  isAnswering(socket: Socket): boolean {
    return [...(this.#answers.get(socket) ?? [])].some(({ headersSent }) => headersSent);
  }

  /** Counts a request, and says in the log what became of it. */
  follow(request: FastifyRequest, reply: FastifyReply): void {
    const { logger } = this.#settings;
    const begun = performance.now();
    this.#total += 1;
    this.#slow.watch(request.raw, reply.raw);
    const { socket } = request.raw;
    const answers = this.#answers.get(socket) ?? new Set();
    this.#answers.set(socket, answers.add(reply.raw));
    reply.raw.once('close', () => answers.delete(reply.raw));
    reply.raw.once('finish', () => {
      // What was open for another request would keep the server from stopping.
      if (this.#stopping.aborted) request.raw.socket.end();
      else leaveRest(request.raw);
    });
    reply.raw.once('close', () => {
      this.#total -= 1;
      const took = Math.round((performance.now() - begun) * 1000) / 1000;
      const { statusCode, writableEnded } = reply.raw;
      this.#figures.add(figuresNameOf(request), statusCode, took);
      if (logger === undefined) return;
      const principal = this.#principalOf(request);
      const { id, method } = request;
      // Never the path: it has names of objects.
      const route = routeOf(request)?.path ?? (consoleRouteOf(request) && request.routeOptions.url);
      logger.info(
        { requestId: id, method, route, status: statusCode, took, principal, whole: writableEnded },
        'request',
      );
    });
  }

  /** Counts what never became a request. */
  refuse(reason: Refusal): void {
    this.#figures.refuse(reason);
  }

  /** Requests that are not answered yet. */
  get running(): number {
    return this.#total;
  }

  /** Figures since the last call, for the process of the server. */
  drain(): FiguresRecord {
    return this.#figures.drain();
  }

  /** Adds what another process has counted. */
  absorb(record: FiguresRecord): void {
    this.#figures.absorb(record);
  }

  /** In the format of Prometheus. @param others requests that other processes of the server have not answered yet */
  metrics(others: number): string {
    return this.#figures.text(this.#total + others);
  }

  end(): void {
    this.#slow.end();
  }
}
