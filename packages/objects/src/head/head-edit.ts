import type { KeyObject } from 'node:crypto';
import type { CategoryMap, Head, Keyring, Member } from '@securestore/core-format';
import type { UnlockedSlot } from '@securestore/crypto';
import type { MemberEvent } from '../api/crypto-events.ts';

/** What a change of the head makes of the one before. */
export interface HeadEdit {
  readonly head?: Partial<
    Pick<
      Head,
      | 'slots'
      | 'journal'
      | 'rotationDays'
      | 'history'
      | 'versionFloor'
      | 'rootNumber'
      | 'state'
      | 'rotation'
      | 'references'
      | 'audit'
      | 'migration'
    >
  >;
  /** Whether the checkpoint is a former one from now on, since digests are about to change without versions. */
  readonly outdatesCheckpoint?: boolean;
  /** Which category each name belongs to from now on. {@link keyring} has the keys of new ones. */
  readonly categories?: CategoryMap;
  /** Who may do what from now on. */
  readonly policy?: Uint8Array;
  /** Where the store is backed up from now on. */
  readonly destinations?: Uint8Array;
  /** The members from now on, in ascending order of their public keys. */
  readonly members?: readonly Member[];
  /** What is told of the change of members. */
  readonly memberEvent?: MemberEvent;
  /** New keys, which are wiped, whether they are written or not. */
  readonly keyring?: Keyring;
  /** The root key that seals them; by default the one that the store has. */
  readonly root?: KeyObject;
  /** The slot by which this process opens the store from now on, where it is another. Wiped where the change is not made. */
  readonly unlocked?: UnlockedSlot;
}
