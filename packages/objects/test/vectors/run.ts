import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { MemoryBackend } from '@securestore/backend-memory';
import {
  ByteReader,
  decodeConsumer,
  decodeHint,
  decodeMarker,
  decodeWriter,
  purposeOf,
  SecureStoreError,
} from '@securestore/core-format';
import { identity, keyFileContents, keyWrapper, passphrase, rawKey, recoveryCode, shares } from '@securestore/crypto';
import type { KeyWrapper, UnlockMethod } from '@securestore/crypto';
import { loadCheckpoint, readPage } from '../../src/checkpoint/load.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { ObjectStore } from '../../src/index.ts';
import { ObjectStore as Store } from '../../src/store/object-store.ts';
import { openParts } from '../../src/store/open.ts';
import { openJournalBody, readSystemObject } from '../../src/engine/sealed-objects.ts';
import type { Action, Unlock, Vector } from './load.ts';
import { baseOf, objectsOf } from './load.ts';

/** What came of a vector. */
export interface Outcome {
  readonly outcome: string;
  readonly released: Buffer;
  readonly names?: readonly string[];
}

/** How a payload is read: in one piece, as a stream, or in ranges that follow each other. */
export type Reading = 'whole' | 'stream' | ((length: number) => Iterable<number>);

function refuse(): never {
  throw new SecureStoreError('UNLOCK_FAILED', 'it was not wrapped here');
}

/** A key wrapper that knows what the vector says, and refuses everything else. */
function wrapperOf({ id, wraps }: Extract<Unlock, { method: 'keyWrapper' }>): KeyWrapper {
  return {
    id,
    wrap: async () => refuse(),
    async unwrap(bytes, given) {
      const wrapped = Buffer.from(bytes).toString('hex');
      const found = wraps.find(
        (one) => one.wrapped === wrapped && (one.context === undefined || isDeepStrictEqual(one.context, { ...given })),
      );
      return Buffer.from((found ?? refuse()).key, 'hex');
    },
  };
}

function unlockOf(unlock: Unlock): UnlockMethod {
  switch (unlock.method) {
    case 'passphrase':
      return passphrase(unlock.text);
    case 'recoveryCode':
      return recoveryCode(unlock.text);
    case 'shares':
      return shares(unlock.texts);
    case 'recipient':
      return identity(unlock.text);
    case 'keyWrapper':
      return keyWrapper(wrapperOf(unlock));
    case 'rawKey':
      return rawKey(Buffer.from(unlock.secret, 'hex'));
    default:
      return keyFileContents(async () => Buffer.from(unlock.secret, 'hex'));
  }
}

type Retrieve = Extract<Action, { do: 'retrieve' }>;

async function read(
  store: ObjectStore,
  { key, version }: Retrieve,
  reading: Reading,
  released: Buffer[],
): Promise<void> {
  const options = version === undefined ? {} : { version };
  if (reading === 'whole') {
    released.push(Buffer.from((await store.retrieve(key, options)).data));
    return;
  }
  if (reading === 'stream') {
    const { stream } = await store.retrieveStream(key, options);
    for await (const piece of stream) released.push(Buffer.from(piece));
    return;
  }
  const { size } = await store.info(key, options);
  let start = 0;
  for (const length of reading(size)) {
    const { stream } = await store.retrieveStream(key, { ...options, start, end: start + length });
    for await (const piece of stream) released.push(Buffer.from(piece));
    start += length;
  }
}

/** Opens an object of the store's own as whoever needs it does. */
async function openOwn(engine: Engine, name: string): Promise<Buffer> {
  const purpose = purposeOf(name);
  if (purpose === undefined) throw new Error(`nothing of the store's own lies at ${name}`);
  if (purpose === 'checkpoint' || purpose === 'checkpointPage') {
    const checkpoint = await loadCheckpoint(engine);
    if (checkpoint === undefined) throw new Error('no checkpoint');
    if (purpose === 'checkpointPage') await readPage(engine, checkpoint, 0);
    const body = (await engine.backend.read(name))?.body ?? Buffer.alloc(0);
    return openJournalBody(engine, purpose, name, body);
  }
  const found = await readSystemObject(engine, purpose, name);
  if (found === undefined) throw new SecureStoreError('NOT_FOUND', `nothing lies at ${name}`);
  const { plaintext } = found;
  if (purpose === 'job') {
    const reader = new ByteReader('the time of the last collection', plaintext);
    reader.version(1);
    reader.time();
    reader.end();
  } else
    ({ hint: decodeHint, writer: decodeWriter, consumer: decodeConsumer, marker: decodeMarker })[purpose](plaintext);
  return plaintext;
}

async function act(vector: Vector, reading: Reading, released: Buffer[]): Promise<readonly string[] | undefined> {
  const backend = new MemoryBackend();
  await backend.init({ url: `memory:${randomUUID()}`, options: {} });
  for (const [name, body] of objectsOf(vector)) await backend.write(name, body);
  const { anchor, fingerprint, action } = vector;
  const parts = await openParts({
    backend,
    url: 'memory:',
    unlock: unlockOf(vector.unlock ?? baseOf(vector).unlock),
    maintenance: false,
    fingerprint,
    anchor: anchor && { read: async () => anchor, write: async () => undefined },
  });
  const store = new Store(parts);
  try {
    if (action.do === 'list') return await store.list();
    if (action.do === 'retrieve') await read(store, action, reading, released);
    if (action.do === 'own') released.push(await openOwn(parts.engine, action.object));
    return undefined;
  } finally {
    await store.close();
  }
}

export async function run(vector: Vector, reading: Reading): Promise<Outcome> {
  const released: Buffer[] = [];
  try {
    const names = await act(vector, reading, released);
    return { outcome: 'ok', released: Buffer.concat(released), ...(names === undefined ? {} : { names }) };
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    return { outcome: error.code, released: Buffer.concat(released) };
  }
}
