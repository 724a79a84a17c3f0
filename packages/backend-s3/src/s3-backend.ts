import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import {
  type BackendCapabilities,
  type BackendConfig,
  type CallSite,
  type DeleteOptions,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type ReadResult,
  type StorageBackend,
  type WriteOptions,
  type WriteResult,
  checkDelete,
  checkDeleteMany,
  checkList,
  checkRead,
  checkWrite,
  closedError,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { Bucket } from './connection/bucket.ts';
import { createClient, isClient } from './connection/client.ts';
import { checkConditions } from './operations/conditions.ts';
import { parseTarget } from './connection/location.ts';
import { deleteObject, deleteObjects, putObject } from './operations/operations.ts';
import { listEntries, readEntry } from './operations/reader.ts';
import { type Settings, parseSettings } from './connection/settings.ts';

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

const CAPABILITIES: BackendCapabilities = {
  ifAbsent: true,
  ifMatch: true,
  orderedList: true,
  listAfterWrite: true,
  rangeRead: true,
  modified: true,
  atomicBatch: false,
  conditionalDelete: false,
  objectLock: false,
  deleteMany: true,
  changeNotifications: false,
  now: true,
  maxBodyBytes: 16 * 1024 * 1024,
  maxBatch: 0,
  maxDeleteMany: 1_000,
  modifiedResolution: 1_000,
  clockSkew: 0,
};

/** The hosts of the one service that is known to honour every condition. */
const AWS = /\.amazonaws\.com(?:\.cn)?$/;

/** Where an open backend works. */
interface Open {
  readonly bucket: Bucket;
  readonly prefix: string;
  /** Whether the client is not the caller's. */
  readonly own: boolean;
  /** Whether the service is one of which nothing is known. */
  readonly foreign: boolean;
  /** The look at whether it honours conditions. */
  conditions: Promise<void> | undefined;
}

/**
 * A prefix of a bucket of S3, or of a service that speaks its protocol, as a backend. Each call is one request.
 * Nothing is created before the first write, and never a bucket.
 */
export class S3Backend implements StorageBackend {
  readonly name = 's3';
  #capabilities: BackendCapabilities = CAPABILITIES;
  #open: Open | undefined;
  #closing: Promise<void> | undefined;

  /** What the service can do, as far as the store URL says; final after {@link init}. */
  get capabilities(): BackendCapabilities {
    return this.#capabilities;
  }

  /**
   * Checks that the bucket exists and may be listed: one request.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` on an invalid store URL, option or client, a bucket that does not exist or is in
   *   another region; `UNAUTHENTICATED`, `ACCESS_DENIED`; `UNAVAILABLE` if the service can't be reached
   */
  async init(config: BackendConfig): Promise<void> {
    const site = { backend: this.name, operation: 'init' };
    if (this.#closing !== undefined) throw closedError(site);
    if (this.#open !== undefined) return;
    const { client: lent } = config;
    if (lent !== undefined && !isClient(lent)) {
      throw new SecureStoreError('INVALID_ARGUMENT', 's3: the client must be an S3Client of @aws-sdk/client-s3', site);
    }
    const target = parseTarget(config.url);
    const settings = parseSettings(config.options);
    const client = lent ?? createClient(target, settings);
    const bucket = bucketOf(target.bucket, client, settings);
    try {
      const look = new ListObjectsV2Command({ Bucket: bucket.name, Prefix: target.prefix, MaxKeys: 1 });
      const host = await bucket.send({ site, signal: undefined }, look, (_, exchange) => exchange.host);
      const foreign = !AWS.test(host ?? '');
      const conditionalDelete = target.conditionalDelete ?? !foreign;
      this.#capabilities = { ...CAPABILITIES, conditionalDelete, clockSkew: settings.clockSkew };
      this.#open = { bucket, prefix: target.prefix, own: lent === undefined, foreign, conditions: undefined };
    } catch (error) {
      await bucket.close(lent === undefined);
      throw error;
    }
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    checkRead(this, key, options);
    const site = { backend: this.name, operation: 'read', key };
    return readEntry({ ...this.#opened(site), site, backend: this }, key, options);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    checkList(this, prefix, options);
    const site = { backend: this.name, operation: 'list' };
    return listEntries({ ...this.#opened(site), site, backend: this }, prefix, options);
  }

  async write(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    checkWrite(this, key, body, options);
    const site = { backend: this.name, operation: 'write', key };
    const open = this.#opened(site);
    if (open.foreign && (options.ifAbsent === true || options.ifMatch !== undefined)) await conditionsOf(open, site);
    return putObject({ ...open, site }, key, body, options);
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    checkDelete(this, key, options);
    const site = { backend: this.name, operation: 'delete', key };
    await deleteObject({ ...this.#opened(site), site }, key, options);
  }

  async deleteMany(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    checkDeleteMany(this, keys, options);
    const site = { backend: this.name, operation: 'deleteMany' };
    const open = this.#opened(site);
    if (keys.length > 0) await deleteObjects({ ...open, site }, keys, options.signal);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#closing ??= open?.bucket.close(open.own) ?? Promise.resolve();
    await this.#closing;
  }

  #opened(site: CallSite): Open {
    if (this.#open === undefined) throw closedError(site);
    return this.#open;
  }
}

function bucketOf(name: string, client: S3Client, settings: Settings): Bucket {
  const { poolSize, timeout, secretAccessKey, sessionToken } = settings;
  const secrets = [secretAccessKey, sessionToken].filter((secret) => secret !== undefined);
  return new Bucket(client, { name, poolSize, timeout, secrets });
}

/** Looks once in the life of a backend, before the first write that depends on it. */
async function conditionsOf(open: Open, site: CallSite): Promise<void> {
  open.conditions ??= checkConditions({ ...open, site }).catch((error: unknown) => {
    if (!SecureStoreError.is(error, 'UNSUPPORTED')) open.conditions = undefined;
    throw error;
  });
  await open.conditions;
}
