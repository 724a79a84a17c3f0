import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const CHANNEL = 'http.client.request.start';

/** How many HTTP requests this process sends for a call. */
export async function countRequests(call: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const onRequest = (): void => void (count += 1);
  subscribe(CHANNEL, onRequest);
  try {
    await call();
  } finally {
    unsubscribe(CHANNEL, onRequest);
  }
  return count;
}
