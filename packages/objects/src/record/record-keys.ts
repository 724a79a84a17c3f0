import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { CategoryKeys, KeyVersionInfo, LoadedKey } from '@securestore/crypto';
import type { StoreState } from '../head/store-state.ts';

/** The error, with advice if the keys are only scheduled to be destroyed. */
function withUndo(
  error: unknown,
  { keys, categories }: StoreState,
  categoryId: Uint8Array,
  concerns: (version: KeyVersionInfo) => boolean,
): unknown {
  if (!SecureStoreError.is(error, 'KEY_DESTROYED')) return error;
  const own = keys.versions.filter(({ groupId }) => groupId.equals(categoryId));
  if (!own.some((version) => version.destroyAt > 0 && concerns(version))) return error;
  return SecureStoreError.from(error, {
    advice: [{ id: 'undo-key-destruction', target: categories.nameOf(categoryId) }],
  });
}

/** The keys of a category. @throws SecureStoreError `KEY_DESTROYED` if it has no primary key */
export function categoryKeys(state: StoreState, categoryId: Uint8Array): CategoryKeys {
  try {
    return state.keys.category(categoryId);
  } catch (error) {
    throw withUndo(error, state, categoryId, () => true);
  }
}

/** The key version that a record names. @throws SecureStoreError `INTEGRITY`, `KEY_DESTROYED` */
export function recordKey(state: StoreState, id: Uint8Array, categoryId: Uint8Array): LoadedKey {
  try {
    return state.keys.version(id, categoryId);
  } catch (error) {
    throw withUndo(error, state, categoryId, ({ label }) => label === asBuffer(id).toString('hex'));
  }
}
