/** The part of libsodium that Node has not: sealed boxes, XChaCha20-Poly1305 and keyed BLAKE2b. */
export type Sodium = (typeof import('libsodium-wrappers'))['default'];

let loaded: Promise<Sodium> | undefined;

async function load(): Promise<Sodium> {
  const { default: sodium } = await import('libsodium-wrappers');
  await sodium.ready;
  return sodium;
}

/** Loaded when first needed: it takes longer than everything else on the way to an open store. */
export function loadSodium(): Promise<Sodium> {
  loaded ??= load();
  return loaded;
}
