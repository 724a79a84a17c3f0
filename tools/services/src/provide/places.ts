import type { Service } from '../service/service.ts';
import { azure, EMULATOR_KEY } from '../servers/azure.ts';
import { gcs } from '../servers/gcs.ts';
import { moto } from '../servers/moto.ts';
import { mongodb } from '../servers/mongodb.ts';
import { postgres } from '../servers/postgres.ts';
import { redis } from '../servers/redis.ts';

/** A provider on a server of the tests. */
export interface ServedPlace {
  readonly name: 'redis' | 'postgres' | 'mongodb' | 's3' | 'azure' | 'gcs';
  readonly service: Service;
  /**
   * A store URL on the server at `url`, once what the SDK needs of the environment is set.
   *
   * @param label of lower-case letters and digits: others have others
   */
  readonly at: (url: string, label: string) => string;
  /** Makes the container or bucket that store URLs are in. */
  readonly prepare?: (url: string) => Promise<void>;
}

/** Where a store URL says that its server is. */
export const endpointOf = (url: string): string => new URLSearchParams(url.replace(/^[^?]*/, '')).get('endpoint') ?? '';

async function makeContainer(url: string): Promise<void> {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const account = new StorageSharedKeyCredential('devstoreaccount1', EMULATOR_KEY);
  await new BlobServiceClient(endpointOf(url), account).getContainerClient(new URL(url).host).createIfNotExists();
}

async function makeBucket(url: string): Promise<void> {
  const { Storage } = await import('@google-cloud/storage');
  const bucket = new Storage({ apiEndpoint: endpointOf(url), projectId: 'tests' }).bucket(new URL(url).host);
  const [exists] = await bucket.exists();
  if (!exists) await bucket.create();
}

const withQuery =
  (name: string): ServedPlace['at'] =>
  (url, label) =>
    `${url}${url.includes('?') ? '&' : '?'}${name}=${label}`;

const underPrefix: ServedPlace['at'] = (url, label) => url.replace(/^([a-z0-9]+:\/\/[^/?]*)[^?]*/, `$1/${label}`);

/** Gives the SDK the credentials that the URL of a test server has. */
const inBucket: ServedPlace['at'] = (url, label) => {
  const { username, password } = new URL(url);
  process.env['AWS_ACCESS_KEY_ID'] = username;
  process.env['AWS_SECRET_ACCESS_KEY'] = password;
  return underPrefix(url.replace(/^s3:\/\/[^@/]*@/, 's3://'), label);
};

const inContainer: ServedPlace['at'] = (url, label) => {
  process.env['AZURE_STORAGE_KEY'] = EMULATOR_KEY;
  return underPrefix(url, label);
};

/** One for every backend that needs a server. */
export const SERVED_PLACES: readonly ServedPlace[] = [
  { name: 'redis', service: redis, at: withQuery('prefix') },
  { name: 'postgres', service: postgres, at: withQuery('table') },
  { name: 'mongodb', service: mongodb, at: withQuery('collection') },
  { name: 's3', service: moto, at: inBucket },
  { name: 'azure', service: azure, at: inContainer, prepare: makeContainer },
  { name: 'gcs', service: gcs, at: underPrefix, prepare: makeBucket },
];
