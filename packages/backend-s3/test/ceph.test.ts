import { CreateBucketCommand, DeleteBucketPolicyCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { describeBackend } from '@securestore/backend-testkit';
import { afterAll, describe, expect, inject, it, onTestFinished, test } from 'vitest';
import { runJob } from '../../backend-redis/test/support/run-process.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import type { Provided } from '../../../tools/services/src/provide/provide.ts';
import { S3Backend } from '../src/index.ts';
import {
  accountOf,
  bucketOf,
  endpointOf,
  freshUrl,
  openAt,
  prefixOf,
  stubCredentials,
  utf8,
} from './support/stores.ts';
import { LONG, sized } from '../../../tools/campaigns/src/size.ts';

const server: Provided = LONG ? inject('ceph') : { skip: 'only npm run test:all' };
const account = accountOf('url' in server ? server.url : '');
const { url: everything, credentials } = account;
const Bucket = bucketOf(account);
const client = new S3Client({
  endpoint: endpointOf(everything) ?? 'http://127.0.0.1:1',
  forcePathStyle: true,
  region: 'us-east-1',
  ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
});
afterAll(() => client.destroy());

if ('skip' in server) {
  it.skip(`the backend contract on Ceph (skipped: ${server.skip})`, () => undefined);
} else {
  // One that is there already, and one's own, is no error there.
  await client.send(new CreateBucketCommand({ Bucket }));
  await describeBackend(
    { describe, it },
    {
      name: 's3 on Ceph',
      operations: sized({ short: 100, full: 250, torture: 1000 }),
      createFixture: () => {
        const url = freshUrl(account);
        return {
          open: async () => {
            const backend = new S3Backend();
            await backend.init({ url, options: { ...credentials } });
            return backend;
          },
        };
      },
    },
  );
}

describe.skipIf('skip' in server)(`on Ceph${'skip' in server ? ` (${server.skip})` : ''}`, () => {
  test('a store does what stores do', async () => {
    stubCredentials(account);
    await runJob(freshUrl(account), 'tour');
  });

  test('a store counts exactly under three processes', async () => {
    stubCredentials(account);
    const url = freshUrl(account);
    await runJob(url, 'increment', 0);
    await Promise.all(Array.from({ length: 3 }, async () => runJob(url, 'increment', 3)));
    await runJob(url, 'total', 9);
  });

  test('of racers that write the same bytes exactly one wins', async () => {
    const url = freshUrl(account);
    const handles = await Promise.all([openAt(account, url), openAt(account, url)]);
    for (let round = 0; round < 10; round++) {
      const { etag } = (await handles[0]?.write(`o/${round}`, utf8('start'))) ?? { etag: '' };
      const condition = round % 2 === 0 ? { ifMatch: etag } : { ifAbsent: true as const };
      const key = round % 2 === 0 ? `o/${round}` : `p/${round}`;
      const writes = Array.from({ length: 6 }, async (_, racer) =>
        handles[racer % 2]?.write(key, utf8('same'), condition),
      );
      const outcomes = await Promise.allSettled(writes);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'CONFLICT' });
      }
    }
  });

  test.each([{ secretAccessKey: 'canary-7731' }, { accessKeyId: 'canary-7731' }])(
    'wrong credentials, %j, are UNAUTHENTICATED, and never shown',
    async (wrong) => {
      const refused = await openAt(account, freshUrl(account), wrong).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
      expectNoSecret(refused, ['canary-7731', credentials?.secretAccessKey ?? 'canary-7731']);
    },
  );

  test('what the credentials may not do is ACCESS_DENIED, and changes nothing', async () => {
    const url = freshUrl(account);
    const backend = await openAt(account, url);
    await backend.write('o/a', utf8('x'));
    const Resource = [`arn:aws:s3:::${Bucket}/${prefixOf(url)}*`];
    const Statement = [{ Effect: 'Deny', Principal: '*', Action: ['s3:PutObject', 's3:DeleteObject'], Resource }];
    await client.send(
      new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
    );
    onTestFinished(async () => void (await client.send(new DeleteBucketPolicyCommand({ Bucket }))));
    for (const call of [
      async () => backend.write('o/a', utf8('payload-7731')),
      async () => backend.delete('o/a'),
      async () => backend.deleteMany(['o/a']),
    ]) {
      const refused = await call().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, key: 'o/a' });
      expectNoSecret(refused, ['payload-7731', credentials?.secretAccessKey ?? 'payload-7731']);
    }
    expect((await backend.read('o/a'))?.size).toBe(1);
  });
});
