import { loadRival, rivalVersion } from './load.ts';

/** A folder of files behind unstorage: neither encrypted nor synced to the disk. */
export interface FileStorage {
  readonly name: string;
  put(key: string, value: Uint8Array): Promise<void>;
}

interface Storage {
  setItemRaw(key: string, value: Uint8Array): Promise<void>;
}

export async function unstorageFiles(base: string): Promise<FileStorage> {
  const { createStorage } = await loadRival<{ createStorage: (options: object) => Storage }>('unstorage');
  const { default: fsDriver } = await loadRival<{ default: (options: object) => object }>('unstorage/drivers/fs-lite');
  const storage = createStorage({ driver: fsDriver({ base }) });
  return {
    name: `unstorage ${rivalVersion('unstorage')} (no encryption, no fsync)`,
    put: (key, value) => storage.setItemRaw(key, value),
  };
}
