import { createHash } from 'node:crypto';
import type { SecureStore } from '../../src/index.ts';

const all = (): boolean => true;

/**
 * Every object and version with its metadata and a digest of its data, and who may do what.
 *
 * @param among names that it is about
 * @param past names of which older versions are read, too
 */
export async function everythingOf(
  store: SecureStore,
  among: (key: string) => boolean = all,
  past: (key: string) => boolean = all,
): Promise<unknown> {
  const objects: unknown[] = [];
  for (const key of (await store.list()).filter(among)) {
    const older = past(key) ? (await store.history(key)).slice(1) : [];
    for (const at of [{}, ...older.map(({ version }) => ({ version }))]) {
      const { data, metadata, info } = await store.retrieve(key, at);
      const { version } = info;
      const { created, modified, size } = info;
      const digest = createHash('sha256').update(data).digest('hex');
      objects.push({ key, version, metadata, created, modified, size, digest });
    }
  }
  const { roles, principals } = await store.access.policy();
  return { objects, roles, principals };
}
