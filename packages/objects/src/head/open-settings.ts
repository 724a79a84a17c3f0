import type { StorageBackend } from '@securestore/backend-api';
import type { RandomSource, UnlockMethod } from '@securestore/crypto';
import type { Anchor } from './trust/anchor.ts';
import type { Clock } from '@securestore/jobs';
import type { CryptoEventListener } from '../api/crypto-events.ts';
import type { MigrationTargets } from './move/follow-redirect.ts';
import type { Logger } from '../api/types.ts';

/** What creating and opening need beside what is kept in the store. */
export interface StoreContext {
  /** An initialised backend. It is closed with the store, and when opening fails. */
  readonly backend: StorageBackend;
  /** For messages and the anchor; without credentials. */
  readonly url: string;
  /** A memory outside the store that shows when an older copy of it is put back. */
  readonly anchor?: Anchor | undefined;
  /** Where the store may be followed to, when it moves while it is open or has moved; by default nowhere. */
  readonly targets?: MigrationTargets | undefined;
  readonly logger?: Logger | undefined;
  /** Is told what this process does with the keys of the store. What it throws is logged, and changes nothing. */
  readonly onCryptoEvent?: CryptoEventListener | undefined;
  /** Whether the store looks after its keys and collects while it stays open; default yes. */
  readonly maintenance?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: RandomSource | undefined;
}

export interface OpenSettings extends StoreContext {
  readonly unlock: UnlockMethod;
  /** The identity that the store must have. */
  readonly fingerprint?: string | undefined;
  /** Accept a head that contradicts the anchor, and remember it instead. */
  readonly acceptRollback?: boolean | undefined;
  /** Take the store that lies here for the right one where nothing is known of it yet, and remember it in the anchor. */
  readonly trustOnFirstUse?: boolean | undefined;
  /** Open what a store has left behind that has moved, or what it is to become, for whoever moves it. */
  readonly ignoreRedirect?: boolean | undefined;
}
