import type { ErrorCode, KeyGroupKind, SlotType } from '@securestore/core-format';
import type { KeyOperation } from '@securestore/crypto';

/** What became of it: `unknown` where the backend did not say whether a change took effect. */
export type CryptoOutcome = 'done' | 'unknown' | ErrorCode;

/** A key version: which one it is, and never the key. */
export interface CryptoKey {
  /** As in `EncryptionKeyInfo`. */
  readonly id: string;
  readonly kind: KeyGroupKind;
  /** The name of the category whose objects it seals; absent for other kinds. */
  readonly category?: string;
  readonly suite: number;
}

/** A try to open a slot by a secret, when the store is opened, and when a rotation asks for the old secret. */
export interface UnlockEvent {
  readonly type: 'unlock';
  readonly method: SlotType;
  /** The slot that opened, as in `SlotInfo`; absent where none did, and where a member opened what was granted to them. */
  readonly slot?: string;
}

/** A change of the ways to unlock the store. */
export interface SlotEvent {
  readonly type: 'slot.added' | 'slot.removed';
  readonly slot: string;
  readonly method: SlotType;
}

/** A change of what a member is granted. */
export interface MemberEvent {
  readonly type: 'member.granted' | 'member.revoked';
  /** As in `MemberInfo`; absent where all members were revoked at once. */
  readonly recipient?: string;
}

/** A new root key, sealed for all slots. */
export interface RootKeyEvent {
  readonly type: 'rootKey.rotated';
  /** Counted from 1, the root key of a new store. */
  readonly rootKey: number;
}

/** A change of what a key version may be used for. */
export interface KeyEvent {
  /**
   * `replaced` by a newer one, it goes on opening what it sealed; `disabled` opens nothing that is stored now; `scheduled`
   * waits to be destroyed, which `restored` takes back.
   */
  readonly type: 'key.created' | 'key.replaced' | 'key.disabled' | 'key.scheduled' | 'key.restored' | 'key.destroyed';
  readonly key: CryptoKey;
  /** With `key.scheduled`: when it is to be destroyed. */
  readonly destroyAt?: Date;
}

/** What one key version did since the previous event that counted the same, at most 10 seconds. */
export interface KeyUseEvent {
  readonly type: 'key.used';
  readonly operation: KeyOperation;
  readonly key: CryptoKey;
  /** With `rewrap`: the id of the key version that the data keys were under before. */
  readonly from?: string;
  /** How many times, from {@link since} to the time of the event. */
  readonly count: number;
  readonly since: Date;
}

/** Something is sealed under a suite that the store does not accept: nothing of it was opened. Counted likewise. */
export interface SuiteRefusedEvent {
  readonly type: 'suite.refused';
  readonly suite: number;
  readonly count: number;
  readonly since: Date;
}

/** What is told of a change of slots, members and keys. */
export type ChangeEvent = SlotEvent | MemberEvent | RootKeyEvent | KeyEvent;

/**
 * What this process did with keys, for an audit. It holds no key material, no plaintext and no names of objects. What other
 * processes do they tell their own listeners.
 */
export type CryptoEvent = (ChangeEvent | UnlockEvent | KeyUseEvent | SuiteRefusedEvent) & {
  /** By the clock of the store. */
  readonly time: Date;
  /** Hex of the id of the store's instance: another one for each store, restored store and migrated store. */
  readonly instanceId: string;
  readonly outcome: CryptoOutcome;
};

/** Is told of {@link CryptoEvent}s. What it throws is logged, and changes nothing. */
export type CryptoEventListener = (event: CryptoEvent) => void;

/** For how long, in milliseconds, uses of keys are counted before they are told. */
export const COUNTED_FOR: number = 10_000;
