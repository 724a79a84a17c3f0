import type { KeyGroupKind } from '@securestore/core-format';

/** What a key version does: `rewrap` wraps a data key under it that another version has opened. */
export type KeyOperation = 'seal' | 'open' | 'rewrap';

/** A key version, by what may be told of it. */
export interface UsedKey {
  /** The id as text. */
  readonly label: string;
  readonly kind: KeyGroupKind;
  readonly groupId: Uint8Array;
  readonly suite: number;
}

/**
 * Is told what a key version did. It must not throw.
 *
 * @param from the id of the version that a data key was under before, for `rewrap`
 * @param failure why it was not done; `undefined` where it was
 */
export type OnKeyUse = (operation: KeyOperation, from?: Uint8Array, failure?: unknown) => void;

/** Is told what every key version of a key set does. It must not throw. */
export type KeyUseListener = (
  key: UsedKey,
  operation: KeyOperation,
  from: Uint8Array | undefined,
  failure: unknown,
) => void;
