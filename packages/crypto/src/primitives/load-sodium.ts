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
 * Starts loading libsodium for the box of a slot, which every unlock method needs: it takes as long as reading a head, and Argon2id leaves
 * this thread free. If it cannot be loaded, opening the slot says so.
 */
export function startLoadingSodium(): void {
  loadSodium().catch(() => undefined);
}

/**
 * `sodium-native` if it is installed beside this package, else `libsodium-wrappers`: the same results. Loaded when first needed,
 * since it takes longer than everything else on the way to an open store.
 */
export function loadSodium(): Promise<Sodium> {
  loaded ??= load();
  return loaded;
}
