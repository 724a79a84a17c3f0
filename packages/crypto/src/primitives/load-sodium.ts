import { createRequire } from 'node:module';
import type { Sodium } from './sodium.ts';
import { nativeSodium } from './sodium-native.ts';

let loaded: Promise<Sodium> | undefined;

async function load(): Promise<Sodium> {
  const require = createRequire(import.meta.url);
  const native = nativeSodium(require, require.resolve('libsodium-wrappers'));
  if (native !== undefined) return native;
  const { wasmSodium } = await import('./sodium-wasm.ts');
  return wasmSodium();
}

/**
 * `sodium-native` if it is installed beside this package, else `libsodium-wrappers`: the same results. Loaded when first needed,
 * since it takes longer than everything else on the way to an open store.
 */
export function loadSodium(): Promise<Sodium> {
  loaded ??= load();
  return loaded;
}
