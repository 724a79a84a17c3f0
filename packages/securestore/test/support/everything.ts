import { createHash } from 'node:crypto';
import type { SecureStore } from '../../src/index.ts';

/** Every object and version with its metadata and a digest of its data, and who may do what. @param among names that it is about */
export async function everythingOf(store: SecureStore, among: (key: string) => boolean = () => true): Promise<unknown> {
  const objects: unknown[] = [];
  for (const key of (await store.list()).filter(among)) {
    for (const [at, { version }] of (await store.history(key)).entries()) {
      const { data, metadata, info } = await store.retrieve(key, at === 0 ? {} : { version });
      const { created, modified, size } = info;
      const digest = createHash('sha256').update(data).digest('hex');
      objects.push({ key, version, metadata, created, modified, size, digest });
    }
  }
  const { roles, principals } = await store.access.policy();
  return { objects, roles, principals };
}
