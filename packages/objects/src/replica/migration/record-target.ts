import type { StorageBackend } from '@securestore/backend-api';
import type { Head } from '@securestore/core-format';
import { isInstance, isSameStore } from '../../head/ancestry.ts';
import type { Anchor } from '../../head/trusted-state.ts';
import type { Logger } from '../../api/types.ts';
import { readHead } from '../../head/store-state.ts';
import { rememberMoved } from '../../head/trust-on-first-use.ts';

/** Where a store has moved, and by what it is remembered there. */
export interface NewPlace {
  readonly backend: StorageBackend;
  /** Without credentials, as the anchor names it. */
  readonly location: string;
  readonly anchor?: Anchor | undefined;
}

/** The head of the store where it has moved; `undefined` where something else lies there by now. @param left the head that says so */
async function movedHead(
  backend: StorageBackend,
  left: Head,
  signal: AbortSignal | undefined,
): Promise<Head | undefined> {
  const head = (await readHead(backend, signal))?.head;
  const isStore =
    head !== undefined &&
    left.migration !== undefined &&
    head.generation > left.generation &&
    isSameStore(head, left) &&
    isInstance(head, left.migration);
  return isStore ? head : undefined;
}

/**
 * Remembers a store where it has moved, so that an older copy there, or another store, shows from the first time on that it is opened.
 *
 * @param left the head that says that it has moved
 * @param anew the head of the store that it was sealed anew as, where it was
 */
export async function rememberAt(
  { backend, location, anchor }: NewPlace,
  left: Head,
  anew: Head | undefined,
  logger: Logger | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (anchor === undefined) return;
  const head = left.migration?.resealed === true ? anew : await movedHead(backend, left, signal);
  if (head !== undefined) await rememberMoved({ backend, location, anchor, logger }, head);
}
