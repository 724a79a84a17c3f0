import type { SecureStore } from 'securestore';

/** The library as built, which is what its users run; imported when asked for, so that the import can be measured. */
export function loadOurs(): Promise<typeof import('securestore')> {
  return import('securestore');
}

/** A new store under a raw key, so that no passphrase is stretched. */
export async function createOurs(url: string, settings: { readonly suite?: 1 | 2 } = {}): Promise<SecureStore> {
  const { createStore, rawKey } = await loadOurs();
  return createStore(url, { ...settings, unlock: rawKey(crypto.getRandomValues(new Uint8Array(32))) });
}
