import { endpointOf, SERVED_PLACES } from '../../../services/src/provide/places.ts';
import type { Service } from '../../../services/src/service/service.ts';
import { EMULATOR_KEY } from '../../../services/src/servers/azure.ts';

/** One request of a provider's own SDK, without anything of ours. */
export interface BareProvider {
  /** Puts a new object, on the condition that none is there. */
  readonly put: (name: string, body: Buffer) => Promise<unknown>;
  readonly get: (name: string) => Promise<Uint8Array | undefined>;
  readonly close: () => Promise<unknown>;
}

/** A provider on a server of the tests. */
export interface Provider {
  readonly name: string;
  readonly service: Service;
  /** The URL of a store on the server at `url`, once what the SDK needs of the environment is set. */
  readonly url: (url: string, label: string) => string;
  /** @param label others have others */
  readonly open: (url: string, label: string) => Promise<BareProvider>;
}

async function openRedis(url: string, label: string): Promise<BareProvider> {
  const { Redis } = await import('ioredis');
  const client = new Redis(url);
  return {
    put: (name, body) => client.set(`bare-${label}/${name}`, body, 'NX'),
    get: async (name) => (await client.getBuffer(`bare-${label}/${name}`)) ?? undefined,
    close: () => client.quit(),
  };
}

async function openPostgres(url: string, label: string): Promise<BareProvider> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url });
  await pool.query(`CREATE TABLE bare_${label}(name TEXT PRIMARY KEY, body BYTEA NOT NULL)`);
  const insert = { name: 'insert', text: `INSERT INTO bare_${label} VALUES ($1, $2) ON CONFLICT DO NOTHING` };
  const select = { name: 'select', text: `SELECT body FROM bare_${label} WHERE name = $1` };
  return {
    put: (name, body) => pool.query({ ...insert, values: [name, body] }),
    get: async (name) => (await pool.query<{ body: Buffer }>({ ...select, values: [name] })).rows[0]?.body,
    close: () => pool.end(),
  };
}

async function openMongodb(url: string, label: string): Promise<BareProvider> {
  const { Binary, MongoClient } = await import('mongodb');
  const client = new MongoClient(url);
  const collection = client.db().collection<{ _id: string; body: InstanceType<typeof Binary> }>(`bare-${label}`);
  const concern = { writeConcern: { w: 'majority', j: true } } as const;
  return {
    put: (name, body) => collection.insertOne({ _id: name, body: new Binary(body) }, concern),
    get: async (name) => (await collection.findOne({ _id: name }, { readConcern: { level: 'majority' } }))?.body.buffer,
    close: () => client.close(),
  };
}

async function openAzure(url: string): Promise<BareProvider> {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const account = new StorageSharedKeyCredential('devstoreaccount1', EMULATOR_KEY);
  const container = new BlobServiceClient(endpointOf(url), account).getContainerClient(new URL(url).host);
  const blob = (name: string) => container.getBlockBlobClient(`bare/${name}`);
  return {
    put: (name, body) => blob(name).upload(body, body.length, { conditions: { ifNoneMatch: '*' } }),
    get: (name) => blob(name).downloadToBuffer(),
    close: async () => undefined,
  };
}

async function openGcs(url: string): Promise<BareProvider> {
  const { Storage } = await import('@google-cloud/storage');
  const storage = new Storage({ apiEndpoint: endpointOf(url), projectId: 'bench' });
  const bucket = storage.bucket(new URL(url).host);
  return {
    put: (name, body) =>
      bucket.file(`bare/${name}`).save(body, { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }),
    get: async (name) => (await bucket.file(`bare/${name}`).download())[0],
    close: async () => undefined,
  };
}

async function openS3(url: string): Promise<BareProvider> {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ endpoint: endpointOf(url), forcePathStyle: true, region: 'us-east-1' });
  const Bucket = new URL(url).host;
  return {
    put: (name, Body) => client.send(new PutObjectCommand({ Bucket, Key: `bare/${name}`, Body, IfNoneMatch: '*' })),
    get: async (name) =>
      (await client.send(new GetObjectCommand({ Bucket, Key: `bare/${name}` }))).Body?.transformToByteArray(),
    close: async () => client.destroy(),
  };
}

const OPENERS: Readonly<Record<string, Provider['open']>> = {
  redis: openRedis,
  postgres: openPostgres,
  mongodb: openMongodb,
  s3: openS3,
  azure: openAzure,
  gcs: openGcs,
};

/** The providers, each on the server that the tests use. */
export const PROVIDERS: readonly Provider[] = SERVED_PLACES.flatMap(({ name, service, at, prepare }) => {
  const open = OPENERS[name];
  return open === undefined
    ? []
    : [{ name, service, url: at, open: async (url, label) => (await prepare?.(url), open(url, label)) }];
});
