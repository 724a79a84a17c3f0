import { DeleteBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, inject, onTestFinished, test } from 'vitest';
import { describeHealth, expectRefused, look, opened, troubles } from '../../securestore/test/support/server-health.ts';
import { findsAllDamage } from '../../securestore/test/support/server-scrub.ts';
import { eachOnce, httpProxyTo } from './support/http-proxy.ts';
import {
  accountOf,
  bucketOf,
  clientOf,
  endpointOf,
  freshUrl,
  makeBucket,
  openAt,
  prefixOf,
  proxied,
  stubCredentials,
  throughEndpoint,
} from './support/stores.ts';

const [moto, ceph] = [inject('s3'), inject('ceph')];
/** Stands behind the names of tests that are left out without it. */
const NO_CEPH = 'skip' in ceph ? ` (${ceph.skip})` : '';
if ('url' in ceph) await makeBucket(accountOf(ceph.url));

/** How S3 says that it wants fewer requests. */
const SLOW_DOWN = {
  status: 503,
  headers: { 'content-type': 'application/xml' },
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
};

async function throttled(url: string): Promise<{ url: string; begin: () => void }> {
  const { refuse, begin } = eachOnce();
  const { endpoint } = await httpProxyTo(endpointOf(url) ?? '', { refuse, refusal: SLOW_DOWN });
  return { url: throughEndpoint(url, endpoint), begin };
}

for (const [name, server] of [
  ['s3 on moto', moto],
  ['s3 on Ceph', ceph],
] as const) {
  const account = accountOf('url' in server ? server.url : '');
  describeHealth({
    name,
    skip: 'skip' in server ? server.skip : undefined,
    fresh: () => {
      stubCredentials(account);
      return freshUrl(account);
    },
    proxied,
    throttled,
  });
}

test.skipIf('skip' in ceph)(
  `the health of a store on Ceph fails where the credentials may do nothing any more${NO_CEPH}`,
  async () => {
    const account = accountOf('url' in ceph ? ceph.url : '');
    stubCredentials(account);
    const url = freshUrl(account);
    const store = await opened(url);
    const Bucket = bucketOf(account);
    const Resource = [`arn:aws:s3:::${Bucket}/${prefixOf(url)}*`];
    const Action = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'];
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: '*', Action, Resource }],
    });
    const client = clientOf(account);
    const forgive = (): Promise<unknown> => client.send(new DeleteBucketPolicyCommand({ Bucket }));
    onTestFinished(async () => void (await forgive()));
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    expectRefused(await look(store), 'ACCESS_DENIED');
    await forgive();
    expect(troubles(await look(store))).toEqual({ errors: 'degraded' });
  },
);

test.skipIf('skip' in ceph)(
  `a scrub finds all damage that is planted on Ceph in one pass, and repairs it in one${NO_CEPH}`,
  async () => {
    const account = accountOf('url' in ceph ? ceph.url : '');
    stubCredentials(account);
    const url = freshUrl(account);
    await findsAllDamage({ url, open: () => openAt(account, url) });
  },
);
