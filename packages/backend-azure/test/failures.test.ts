import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { azure } from '../../../tools/services/src/servers/azure.ts';
import { testReplacedBody } from '../../backend-s3/test/support/replaced-body.ts';
import { answered, testBrokenConnections } from './support/broken-connections.ts';
import {
  NO_OWN_SERVER,
  NO_SERVER,
  containerOf,
  endpointOf,
  freshUrl,
  openAt,
  proxied,
  textOf,
  url,
  utf8,
  withEndpoint,
} from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const ways = {
  service: 'Blob Storage',
  url,
  pathOfEndpoint: '/devstoreaccount1',
  openAt,
  freshUrl,
  endpointOf,
  withEndpoint,
  proxied,
};

describe.skipIf(NO_SERVER !== undefined)('a connection that breaks', () => {
  testBrokenConnections(ways);

  test.each([
    [503, 'ServerBusy', { code: 'THROTTLED', retryable: true }],
    [429, '', { code: 'THROTTLED', retryable: true }],
    [500, 'OperationTimedOut', { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
    [500, 'InternalError', { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
    [403, 'AuthenticationFailed', { code: 'UNAUTHENTICATED', retryable: false }],
    [409, 'BlobImmutableDueToPolicy', { code: 'READ_ONLY' }],
    [409, 'BlobImmutableDueToLegalHold', { code: 'READ_ONLY' }],
    [409, 'ContainerBeingDeleted', { code: 'UNAVAILABLE', retryable: true }],
    [400, 'InvalidHeaderValue', { code: 'INTERNAL', retryable: false }],
  ])('what the service says is understood: %i %s', async (status, code, expected) => {
    // The emulator never says these.
    let said = false;
    const backend = await openAt(
      await answered(ways, (response) => {
        if (said) response.writeHead(status, { 'x-ms-error-code': code }).end();
        return said;
      }),
    );
    said = true;
    const failure = await backend.write('o/a', utf8('x')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ ...expected, key: 'o/a' });
    if (!('outcome' in expected)) expect(failure).not.toHaveProperty('outcome');
  });

  test.runIf(LONG)(
    onlyLong('a server that was killed and comes back is used again by the same handle'),
    async (context) => {
      if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
      const server = await startServer(azure);
      onTestFinished(async () => server.stop());
      await containerOf(server.url);
      const backend = await openAt(freshUrl(server.url));
      await backend.write('o/a', utf8('1'));
      await server.kill();
      await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      await server.restart();
      // It keeps everything in memory, and so has lost the container.
      await containerOf(server.url);
      await backend.write('o/a', utf8('3'), { ifAbsent: true });
      expect(await textOf(backend, 'o/a')).toBe('3');
    },
  );
});

describe.skipIf(NO_SERVER !== undefined || !endpointOf(url).startsWith('http:'))('a range', () => {
  testReplacedBody({
    endpoint: endpointOf(url),
    place: () => {
      const place = freshUrl();
      return async (at) => openAt(withEndpoint(place, at));
    },
  });
});
