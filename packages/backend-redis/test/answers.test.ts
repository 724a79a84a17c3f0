import { beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { RedisBackend } from '../src/index.ts';
import { clientOf, freshLocation, utf8 } from './support/stores.ts';

const server = inject('redis');

beforeEach((context) => {
  if ('skip' in server) context.skip(server.skip);
});

/** A backend whose client gives the answers of the server in another form, or another order. */
async function openThrough(distort: (answer: Promise<unknown>) => Promise<unknown>): Promise<RedisBackend> {
  const location = freshLocation('url' in server ? server.url : '');
  const client = clientOf(location);
  const backend = new RedisBackend();
  onTestFinished(async () => backend.close());
  await backend.init({
    location,
    options: {},
    client: {
      callBuffer: async (command: string, ...args: (string | number)[]) => distort(client.callBuffer(command, ...args)),
      info: async (section: string) => client.info(section),
      config: async (action: 'GET', name: string) => client.config(action, name),
    },
  });
  return backend;
}

const UNKNOWN = { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' };

/** Every text that is in an answer, each with its first byte changed. */
function changed(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(changed);
  if (!Buffer.isBuffer(answer)) return answer;
  return Buffer.concat([Buffer.from('\x7f'), answer.subarray(1)]);
}

test('a refusal of which one byte changed on the way acknowledges nothing', async () => {
  let distorted = false;
  const backend = await openThrough(async (answer) => {
    const given = await answer;
    if (!distorted) return given;
    // The name of the call stays, as if the byte had met the rest alone.
    return Array.isArray(given) ? [given[0], ...given.slice(1).map(changed)] : given;
  });
  await backend.write('o/a', utf8('first'));
  distorted = true;
  await expect(backend.write('o/a', utf8('second'), { ifAbsent: true })).rejects.toMatchObject(UNKNOWN);
  await expect(backend.delete('o/a', { ifMatch: 'another' })).rejects.toMatchObject(UNKNOWN);
  distorted = false;
  expect(Buffer.from((await backend.read('o/a'))?.body ?? []).toString()).toBe('first');
});

test('what was said to one call is taken for no answer to another', async () => {
  let late: Promise<unknown> | undefined;
  let shifted = false;
  const backend = await openThrough(async (answer) => {
    if (!shifted) return answer;
    const before = late ?? answer;
    late = answer;
    await answer.catch(() => undefined);
    return before;
  });
  await backend.write('o/a', utf8('first'));
  await backend.read('o/a');
  shifted = true;
  await backend.read('o/missing');
  // From here on each call gets the answer to the one before it.
  await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  await expect(backend.write('o/b', utf8('b'))).rejects.toMatchObject(UNKNOWN);
  await expect(backend.write('o/a', utf8('second'), { ifAbsent: true })).rejects.toMatchObject(UNKNOWN);
  shifted = false;
  expect(Buffer.from((await backend.read('o/a'))?.body ?? []).toString()).toBe('first');
});
