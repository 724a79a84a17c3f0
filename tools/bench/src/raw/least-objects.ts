import { parseStoreKey } from '@securestore/core-format';
import { digestWhole, rawKey } from '@securestore/crypto';
import { MemoryBackend } from '@securestore/backend-memory';
import { encodeMetadata } from '../../../../packages/objects/src/api/metadata.ts';
import { sealDraft } from '../../../../packages/objects/src/object/commit/mutation.ts';
import { infoFrom, infoOf, openAt } from '../../../../packages/objects/src/record/open-record.ts';
import type { Target } from '../../../../packages/objects/src/record/open-record.ts';
import { categoryKeys } from '../../../../packages/objects/src/record/record-keys.ts';
import { createObjectStore, openParts } from '../../../../packages/objects/src/store/open.ts';

/** What stores and retrieves an object under the format, one call after the other. */
export interface LeastObjects {
  store(name: string, data: Uint8Array, metadata: object): unknown;
  retrieve(name: string): unknown;
}

/**
 * What an object takes without an engine: its name, digest and record, each encoded, encrypted and checked as the engine
 * does it, by the engine's own functions, and a map. Nothing waits, nothing else can be under way, nothing is found out
 * about what is there, and no state of the store is confirmed. So no engine of this format can be faster.
 */
export async function leastObjects(suite: 1 | 2): Promise<LeastObjects> {
  const url = `memory:${crypto.randomUUID()}`;
  const settings = { url, unlock: rawKey(crypto.getRandomValues(new Uint8Array(32))), maintenance: false };
  const opened = async (): Promise<MemoryBackend> => {
    const backend = new MemoryBackend();
    await backend.init({ url, options: {} });
    return backend;
  };
  await (await createObjectStore({ ...settings, suite, backend: await opened() })).close();
  const { engine } = await openParts({ ...settings, backend: await opened() });
  const { state } = engine.monitor;
  const records = new Map<string, Uint8Array>();
  const targetOf = (name: string): Target => {
    const key = parseStoreKey(name);
    return { key, ...engine.names.locate(key) };
  };
  return {
    store(name, data, metadata) {
      const target = targetOf(name);
      const keys = categoryKeys(state, state.categories.idOf(target.key));
      const own = Buffer.from(data);
      const now = Date.now();
      const body = {
        name: target.key,
        created: now,
        modified: now,
        expires: 0,
        metadata: encodeMetadata(metadata),
        length: own.length,
        digest: digestWhole(keys.digest, own),
        payload: { kind: 'inline', data: own } as const,
      };
      const identity = { commitId: engine.random(16), now };
      const draft = { kind: 'object', body, blob: undefined, follows: undefined } as const;
      const { record, header } = sealDraft(engine, state, target, draft, undefined, identity);
      own.fill(0);
      records.set(target.token, record);
      return infoFrom(state, header, body, keys.primary.label);
    },
    retrieve(name) {
      const target = targetOf(name);
      const found = openAt(state, target, records.get(target.token) ?? new Uint8Array());
      if (found.kind !== 'object' || found.body.payload.kind !== 'inline')
        throw new Error('It is none of these objects.');
      return { info: infoOf(state, found), data: new Uint8Array(found.body.payload.data) };
    },
  };
}
