import { loadOwnPackage } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { RemoteOptions, RemoteStore } from '@securestore/protocol';

/** The client of remote stores: a package of its own, since most stores are not remote. */
const CLIENT = '@securestore/client';

interface ClientPackage {
  readonly openRemoteStore: (url: string, options: RemoteOptions) => Promise<RemoteStore>;
}

/** How a remote store is opened. */
export interface ServedOptions extends RemoteOptions {
  /** The folder of the application's `package.json`, in which the client is searched. Default: the working directory. */
  readonly resolveFrom?: string | undefined;
}

/** @throws SecureStoreError `BACKEND_NOT_INSTALLED` */
export async function openServed(url: string, { resolveFrom, ...options }: ServedOptions): Promise<RemoteStore> {
  const exports = await loadOwnPackage(CLIENT, { resolveFrom, besides: import.meta.dirname });
  // The package is part of this project, and of this release.
  if (exports !== undefined) return (exports as ClientPackage).openRemoteStore(url, options);
  throw new SecureStoreError('BACKEND_NOT_INSTALLED', `the client of remote stores, ${CLIENT}, is not installed`, {
    advice: [{ id: 'install-package', package: CLIENT }],
  });
}
