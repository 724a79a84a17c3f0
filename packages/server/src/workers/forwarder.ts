import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { SecureStoreError } from '@securestore/core-format';
import { HEADERS, PROBLEM_TYPE, statusOf, toProblem } from '@securestore/protocol';
import { checkVersion, hasBody, leaveRest } from '../exchange/requests.ts';
import type { SlowPeers } from '../limits/slow-peers.ts';
import { RequestIds } from '../request/request-ids.ts';
import { BARE_FIELDS } from '../request/security-headers.ts';
import { answeredHeaders, forwardedHeaders } from './forward-headers.ts';

/** Settings of a forwarder. */
interface ForwarderSettings {
  /** Of the process of the server. */
  readonly socketPath: string;
  /** Proves to that process who asks. */
  readonly key: string;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly slow: SlowPeers;
  /** Whether the worker is to stop: then connections end with their answers. */
  readonly stopping: AbortSignal;
}

/** All headers of an answer together, in bytes. */
const MAX_ANSWER_HEADERS = 64 * 1024;
/** Connections to the process of the server that are kept for further requests. */
const KEPT_CONNECTIONS = 16;

/** Passes requests on to the process of the server, which alone has jobs, the console, metrics and the administration. */
export class Forwarder {
  readonly #settings: ForwarderSettings;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS });
  readonly #ids = new RequestIds();

  constructor(settings: ForwarderSettings) {
    this.#settings = settings;
  }

  /** Answers a request with the answer of the process of the server. */
  forward(request: IncomingMessage, response: ServerResponse): void {
    const { slow, stopping } = this.#settings;
    slow.watch(request, response);
    let onward: ClientRequest;
    try {
      checkVersion(request);
      onward = this.#begin(request);
    } catch (error) {
      const known = SecureStoreError.is(error)
        ? error
        : new SecureStoreError('INVALID_ARGUMENT', 'the request is malformed');
      refuse(response, this.#ids.of(request), known);
      leaveRest(request);
      return;
    }
    const fail = (): void => {
      onward.destroy();
      if (response.headersSent) response.destroy();
      else refuse(response, this.#ids.of(request), unavailable());
    };
    onward.on('error', fail);
    onward.once('response', (answer) => {
      answer.on('error', fail);
      if (stopping.aborted) response.shouldKeepAlive = false;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answeredHeaders(answer));
      answer.pipe(response);
    });
    response.once('finish', () => {
      // The rest of a body that was answered before its end is read here: a pipe to a request that ends would stop it.
      request.unpipe(onward);
      if (stopping.aborted) request.socket.end();
      else leaveRest(request);
    });
    response.once('close', () => onward.destroy());
    request.on('error', () => onward.destroy());
    // Bytes beyond the body that was announced would be another request.
    if (hasBody(request)) request.pipe(onward);
    else onward.end();
  }

  #begin(request: IncomingMessage): ClientRequest {
    const { socketPath, key, addressOf } = this.#settings;
    return httpRequest({
      socketPath,
      agent: this.#agent,
      method: request.method,
      path: request.url,
      headers: forwardedHeaders(request, key, addressOf(request)),
      maxHeaderSize: MAX_ANSWER_HEADERS,
    });
  }

  end(): void {
    this.#agent.destroy();
  }
}

function unavailable(): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', 'the process of the server does not answer', {
    retryable: true,
    outcome: 'unknown',
    advice: [{ id: 'try-again' }],
  });
}

/** Answers with a failure, as a whole server does. */
function refuse(response: ServerResponse, requestId: string, error: SecureStoreError): void {
  const status = statusOf(error.code);
  const body = JSON.stringify({ ...toProblem(error, requestId), status });
  response.writeHead(status, {
    ...BARE_FIELDS,
    'cache-control': 'no-store',
    [HEADERS.requestId]: requestId,
    'content-type': `${PROBLEM_TYPE}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
