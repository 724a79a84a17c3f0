import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

const SENT = 'http.client.request.start';
const ANSWERED = 'http.client.response.finish';

/** What a call sends, apart from what else this process does: earlier test files may have left clients of their own. */
const calls = new AsyncLocalStorage<Set<ClientRequest>>();

function onSent(message: unknown): void {
  calls.getStore()?.add((message as { readonly request: ClientRequest }).request);
}

/** How many HTTP requests are sent for a call. */
export async function countRequests(call: () => Promise<unknown>): Promise<number> {
  const requests = new Set<ClientRequest>();
  subscribe(SENT, onSent);
  try {
    await calls.run(requests, call);
  } finally {
    unsubscribe(SENT, onSent);
  }
  return requests.size;
}

/** How many connections are open at once, at most, for the requests of a call that are answered. */
export async function mostConnections(call: () => Promise<unknown>): Promise<number> {
  const requests = new Set<ClientRequest>();
  const open = new Set<Socket>();
  let most = 0;
  const onAnswered = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest };
    const { socket } = request;
    if (!requests.has(request) || socket === null || open.has(socket)) return;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    most = Math.max(most, open.size);
  };
  subscribe(SENT, onSent);
  subscribe(ANSWERED, onAnswered);
  try {
    await calls.run(requests, call);
  } finally {
    unsubscribe(SENT, onSent);
    unsubscribe(ANSWERED, onAnswered);
  }
  return most;
}
