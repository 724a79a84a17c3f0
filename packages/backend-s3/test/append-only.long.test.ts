import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { createStore, rawKey, restoreStore, verifyBackup } from 'securestore';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { SecureStore } from 'securestore';
import { memoryPlace } from '../../securestore/test/support/round-trip.ts';
import { httpProxyTo } from './support/http-proxy.ts';
import {
  accountOf,
  bucketOf,
  clientOf,
  endpointOf,
  freshUrl,
  prefixOf,
  stubCredentials,
  throughEndpoint,
} from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');
const unlock = rawKey(Buffer.alloc(32, 7));

async function newStore(): Promise<SecureStore> {
  const store = await createStore(memoryPlace(), { unlock, maintenance: false });
  onTestFinished(() => store.close());
  await store.store('db/password', 'one');
  await store.store('large', randomBytes(200_000));
  return store;
}

/** A way to a place that lets nothing be removed, and only `keys` and envelopes be replaced. */
async function lockedWay(url: string): Promise<string> {
  const endpoint = endpointOf(url) ?? '';
  const prefix = prefixOf(url);
  const proxy = await httpProxyTo(endpoint, {
    async refuse({ method, path }) {
      const [, key = ''] = decodeURIComponent(path.split('?')[0] ?? '').split(prefix);
      if (method === 'DELETE' || (method === 'POST' && path.includes('delete'))) return true;
      if (method !== 'PUT' || key === 'keys' || key.startsWith('e/') || key.startsWith('CONDITIONS-')) return false;
      return (await fetch(`${endpoint}${path.split('?')[0]}`, { method: 'HEAD' })).ok;
    },
  });
  return throughEndpoint(url, proxy.endpoint);
}

describe.skipIf('skip' in server)('backups in a bucket that keeps what is written', () => {
  it('are made, verified, gone on with and restored by credentials that may not delete, and removed by others', async () => {
    stubCredentials(account);
    const place = freshUrl(account);
    const locked = await lockedWay(place);
    const store = await newStore();
    expect(await store.backup(locked)).toMatchObject({ number: 1, failed: [] });
    await store.store('db/password', 'two');
    expect(await store.backup(locked)).toMatchObject({ number: 2, failed: [] });
    expect(await store.backups.verify(locked, { within: 30 * 86_400_000 })).toMatchObject({ ok: true });
    expect(await store.backups.drill(locked)).toMatchObject({ ok: true });
    const retention = { last: 1 };
    const refused = store.backups.retain(locked, { retention });
    await expect(refused).rejects.toMatchObject({ code: 'ACCESS_DENIED', advice: [{ id: 'check-backend-access' }] });
    await expect(refused).rejects.toThrow(/nothing can be removed .*Nothing was changed\./);
    expect((await store.backups.list(locked)).map(({ number }) => number)).toEqual([2, 1]);
    await restoreStore(locked, memoryPlace(), { unlock, snapshot: 1 });
    expect(await store.backups.retain(place, { retention })).toMatchObject({ removed: [1] });
    expect(await verifyBackup(place, { unlock, depth: 'opens' })).toMatchObject({ ok: true });
  }, 600_000);

  // T-BACKUP-04
  it.runIf(LONG)(
    onlyLong('outlive whoever removes and replaces everything that the lock of the bucket holds'),
    async () => {
      stubCredentials(account);
      const client = clientOf(account);
      const bucket = `locked-${randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
      const DefaultRetention = { Mode: 'COMPLIANCE', Days: 1 } as const;
      const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } } as const;
      await client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }));
      const place = freshUrl(account).replace(`//${bucketOf(account)}/`, `//${bucket}/`);
      const store = await newStore();
      await store.backup(place);
      await store.store('db/password', 'two');
      await store.backup(place);
      const versions = await versionsIn(client, bucket);
      for (const { key, version } of versions) {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'junk', ChecksumAlgorithm: 'SHA256' }),
        );
        // What is locked is not to be had away by its version.
        await expect(
          client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: version })),
        ).rejects.toThrow();
      }
      await expect(verifyBackup(place, { unlock })).rejects.toThrow();
      // The administrator brings each object back to the last version that is not the thief's.
      for (const { key, version } of versions.toReversed()) {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: version }));
        const body = (await found.Body?.transformToByteArray()) ?? new Uint8Array();
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ChecksumAlgorithm: 'SHA256' }));
      }
      expect(await verifyBackup(place, { unlock, depth: 'opens' })).toMatchObject({ ok: true, snapshots: 2 });
      await restoreStore(place, memoryPlace(), { unlock });
    },
    600_000,
  );
});

/** All versions of all objects, of one object the newest first. */
async function versionsIn(client: S3Client, bucket: string): Promise<{ key: string; version: string }[]> {
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  return Versions.map(({ Key = '', VersionId = '' }) => ({ key: Key, version: VersionId }));
}
