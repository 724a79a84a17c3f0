import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { gcs } from '../../../tools/services/src/servers/gcs.ts';
import { answered, testBrokenConnections } from '../../backend-azure/test/support/broken-connections.ts';
import { testReplacedBody } from '../../backend-s3/test/support/replaced-body.ts';
import {
  NO_OWN_SERVER,
  NO_RIGHT_SERVER,
  endpointOf,
  freshUrl,
  makeBucket,
  openAt,
  proxied,
  textOf,
  url,
  utf8,
  withEndpoint,
} from './support/stores.ts';

const ways = {
  service: 'Cloud Storage',
  url,
  pathOfEndpoint: '',
  openAt,
  freshUrl,
  endpointOf,
  withEndpoint,
  proxied,
};

describe.skipIf(NO_OWN_SERVER !== undefined)('a connection that breaks', () => {
  testBrokenConnections(ways);

  test.each([
    [429, 'rateLimitExceeded', { code: 'THROTTLED', retryable: true }],
    [403, 'userRateLimitExceeded', { code: 'THROTTLED', retryable: true }],
    [429, '', { code: 'THROTTLED', retryable: true }],
    [503, 'backendError', { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
    [500, '', { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
    [408, '', { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
    [401, 'authError', { code: 'UNAUTHENTICATED', retryable: false }],
    [403, 'forbidden', { code: 'ACCESS_DENIED', retryable: false }],
    [403, 'retentionPolicyNotMet', { code: 'READ_ONLY' }],
    [403, 'objectUnderActiveHold', { code: 'READ_ONLY' }],
    [404, 'notFound', { code: 'UNAVAILABLE', retryable: false }],
    [400, 'invalid', { code: 'INTERNAL', retryable: false }],
  ])('what the service says is understood: %i %s', async (status, code, expected) => {
    // The emulator never says these.
    let said = false;
    const backend = await openAt(
      await answered(ways, (response) => {
        const errors = [{ domain: 'global', reason: code, message: 'payload-7731' }];
        const answer = JSON.stringify({ error: { code: status, message: 'payload-7731', errors } });
        if (said) response.writeHead(status, { 'content-type': 'application/json' }).end(code === '' ? '' : answer);
        return said;
      }),
    );
    said = true;
    const failure = await backend.write('o/a', utf8('x')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ ...expected, key: 'o/a' });
    if (!('outcome' in expected)) expect(failure).not.toHaveProperty('outcome');
  });

  test('a server that was killed and comes back is used again by the same handle', async (context) => {
    if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
    const server = await startServer(gcs);
    onTestFinished(async () => server.stop());
    await makeBucket(server.url);
    const backend = await openAt(freshUrl(server.url));
    await backend.write('o/a', utf8('1'));
    await server.kill();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await server.restart();
    // It keeps everything in memory, and so has lost the bucket.
    await makeBucket(server.url);
    await backend.write('o/a', utf8('3'), { ifAbsent: true });
    expect(await textOf(backend, 'o/a')).toBe('3');
  });
});

describe.skipIf(NO_RIGHT_SERVER !== undefined || !endpointOf(url).startsWith('http:'))('a range', () => {
  testReplacedBody({
    endpoint: endpointOf(url),
    place: () => {
      const place = freshUrl();
      return async (at) => openAt(withEndpoint(place, at));
    },
  });
});
