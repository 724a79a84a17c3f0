import type { SecureStorage } from '@securestore/objects';

/** The little of the library that the benchmarks use. */
export interface Facade {
  readonly createStore: (location: string, options: object) => Promise<SecureStorage & { close(): Promise<void> }>;
  readonly openStore: (location: string, options: object) => Promise<SecureStorage & { close(): Promise<void> }>;
  readonly rawKey: (key: Uint8Array) => object;
}

export type OurStore = Awaited<ReturnType<Facade['createStore']>>;

/** The library as built, which is what its users run. @throws where this checkout has none yet. */
export async function loadOurs(): Promise<Facade> {
  const facade = (await import('securestore')) as Partial<Facade>;
  if (facade.createStore === undefined) throw new Error('this checkout has no securestore package yet');
  return facade as Facade;
}

export async function createOurs(location: string): Promise<OurStore> {
  const { createStore, rawKey } = await loadOurs();
  return createStore(location, { unlock: rawKey(crypto.getRandomValues(new Uint8Array(32))) });
}
