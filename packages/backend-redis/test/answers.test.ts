import { expect, inject, onTestFinished, test } from 'vitest';
import { RedisBackend } from '../src/index.ts';
import { clientOf, freshUrl, utf8 } from './support/stores.ts';

const server = inject('redis');

/** A backend whose client gives these answers, one after the other, once it is open. */
async function openWith(
  answers: readonly ((call: string) => unknown)[],
  more: { readonly isCluster?: boolean } = {},
): Promise<{ backend: RedisBackend; commands: string[] }> {
  const commands: string[] = [];
  const left = [...answers];
  let isOpen = false;
  const backend = new RedisBackend();
  onTestFinished(async () => backend.close());
  const client = {
    callBuffer: async (command: string, ...args: (string | number | Buffer)[]): Promise<unknown> => {
      const call = String(args.at(-1));
      if (!isOpen) return [Buffer.from(call), null];
      commands.push(command);
      const answer = left.shift()?.(call);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    info: async () => '',
    config: async () => [],
    ...more,
  };
  await backend.init({ url: 'redis://localhost/0?prefix=x', options: {}, client });
  isOpen = true;
  return { backend, commands };
}

/** An error as a server answers with one. */
function reply(message: string): () => Error {
  return () => Object.assign(new Error(message), { name: 'ReplyError' });
}

const stray = (): unknown => Buffer.from('the second half of an answer');

const right =
  (...value: readonly string[]) =>
  (call: string): unknown => [Buffer.from(call), value.map((text) => Buffer.from(text))];

/** A backend whose client gives the answers of the server in another form, or another order. */
async function openThrough(distort: (answer: Promise<unknown>) => Promise<unknown>): Promise<RedisBackend> {
  const url = freshUrl('url' in server ? server.url : '');
  const client = clientOf(url);
  const backend = new RedisBackend();
  onTestFinished(async () => backend.close());
  await backend.init({
    url,
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

test.skipIf('skip' in server)('a refusal of which one byte changed on the way acknowledges nothing', async () => {
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

test.skipIf('skip' in server)('what was said to one call is taken for no answer to another', async () => {
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

test('an error that may be about another call is believed of none: nothing is done twice, and nothing denied', async () => {
  const { backend, commands } = await openWith([stray, reply('NOSCRIPT No matching script.'), reply('OOM no memory')]);
  const results = await Promise.allSettled([
    backend.read('o/a'),
    backend.write('o/b', utf8('b'), { ifAbsent: true }),
    backend.write('o/c', utf8('c')),
  ]);
  expect(commands).toEqual(['EVALSHA', 'EVALSHA', 'EVALSHA']);
  expect(results).toMatchObject([{ reason: { code: 'UNAVAILABLE' } }, { reason: UNKNOWN }, { reason: UNKNOWN }]);
});

test('an error is believed again once an answer came to its own call', async () => {
  const { backend, commands } = await openWith([
    stray,
    right('done', '5'),
    reply('NOSCRIPT No matching script.'),
    reply('OOM no memory'),
  ]);
  await expect(backend.write('o/a', utf8('a'))).rejects.toMatchObject(UNKNOWN);
  await backend.write('o/b', utf8('b'));
  const error = await backend.write('o/c', utf8('c')).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'NO_SPACE' });
  expect(error).not.toMatchObject(UNKNOWN);
  expect(commands).toEqual(['EVALSHA', 'EVAL', 'EVALSHA', 'EVAL']);
});

test('no server of a cluster is believed again since another one has answered', async () => {
  const answers = [stray, right('done', '5'), reply('OOM no memory'), reply('OOM no memory'), right('done', '6')];
  const { backend, commands } = await openWith(answers, { isCluster: true });
  await expect(backend.write('o/a', utf8('a'))).rejects.toMatchObject(UNKNOWN);
  await backend.write('o/b', utf8('b'));
  for (let tries = 0; tries < 2; tries++) await expect(backend.write('o/c', utf8('c'))).rejects.toMatchObject(UNKNOWN);
  await backend.write('o/c', utf8('c'));
  expect(commands).toEqual(['EVALSHA', 'EVAL', 'EVAL', 'EVAL', 'EVAL']);
});

test.each([
  ['a text', 'x'],
  ['a number', 5],
  ['nothing', null],
  ['a list of nothing', []],
  ['a list of numbers', [1, 2, 3, 4, 5, 6]],
])('%s in the place of what a script answers is UNAVAILABLE, or damage', async (_, value) => {
  const given = (call: string): unknown => [Buffer.from(call), typeof value === 'string' ? Buffer.from(value) : value];
  const { backend } = await openWith([given, given, given]);
  const code = expect.stringMatching(/^(?:UNAVAILABLE|INTEGRITY)$/);
  await expect(backend.list('o/')).rejects.toMatchObject({ code });
  await expect(backend.write('o/a', utf8('a'))).rejects.toMatchObject(UNKNOWN);
  if (value !== null) await expect(backend.read('o/a')).rejects.toMatchObject({ code });
});
