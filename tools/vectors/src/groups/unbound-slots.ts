import { fingerprintOf, identityPrivateKey, identityPublicKey } from '../../../../packages/crypto/src/index.ts';
import type { Base } from '../make/base.ts';
import { GENERATION, keysOf, ROOT_NUMBER } from '../make/base.ts';
import { append, bytesFrom, drop, flip, set, spliced, u16, u32 } from '../make/bytes.ts';
import type { Change } from '../make/bytes.ts';
import type { Anchor, Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import type { Unlock } from '../make/secrets.ts';
import { BOX_LENGTH, sealToAll } from '../make/secrets.ts';
import { LATE } from './fields.ts';

// What holds alike for slots of recipients and of key wrappers, which nothing binds to their store.

/** A private key and each of these share a secret of zeros. */
const POINTS = {
  zero: Buffer.alloc(32),
  one: Buffer.from('01'.padEnd(64, '0'), 'hex'),
  'of order 8': Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'),
} as const;
const METHOD_AT = 57;

/** What the box of a slot holds. */
export const rootBox = (base: Base, slotId: Buffer): Buffer =>
  Buffer.concat([keysOf(base).lineage, slotId, u32(ROOT_NUMBER), keysOf(base).root]);

/** A slot whose box anybody could have made, and can open. */
export const boxForAll =
  (base: Base, point: Buffer = POINTS['of order 8']): Change =>
  (slot) => {
    const box = sealToAll(rootBox(base, slot.subarray(1, 17)), slot.subarray(25, METHOD_AT), point);
    return Buffer.concat([slot.subarray(0, -BOX_LENGTH), box]);
  };

export const fingerprintFrom = (seed: Buffer): string => fingerprintOf(identityPublicKey(identityPrivateKey(seed)));

export const pinned = (base: Base): { fingerprint: string } => ({
  fingerprint: fingerprintFrom(keysOf(base).identitySeed),
});

export const anchorOf = (base: Base): Anchor => ({
  instance: keysOf(base).instance.toString('hex'),
  generation: GENERATION,
  ...pinned(base),
});

/** Puts a slot before all others. */
export const withSlotBefore =
  (slot: Buffer): Change =>
  (head) => {
    const at = 427;
    const insert = Buffer.concat([Buffer.from([head.readUInt8(at) + 1]), u16(slot.length), slot]);
    return spliced(head, { at, remove: 1, insert });
  };

/** What does not need a fault: whether the store is known. */
function known(base: Base, name: string, unlock: Unlock): Case[] {
  const open = { unlock, rule: 'S-07', action: OPEN } as const;
  return [
    {
      ...open,
      ...pinned(base),
      name: `${name}: right`,
      description: 'What opens the slot, and the fingerprint.',
      expect: 'ok',
    },
    {
      ...open,
      name: `${name}: remembered store`,
      description: 'The fingerprint is in the anchor.',
      anchor: anchorOf(base),
      expect: 'ok',
    },
    {
      ...open,
      name: `${name}: unknown store`,
      description: 'Nobody says which store it is to be.',
      expect: 'INVALID_ARGUMENT',
    },
    {
      ...open,
      name: `${name}: another fingerprint`,
      description: 'Another fingerprint is pinned.',
      rule: 'H-08',
      fingerprint: fingerprintFrom(bytesFrom('stranger', 32)),
      expect: 'INTEGRITY',
    },
  ];
}

/** The cases of one method. @param unlock opens the slot, and a key wrapper does so whatever it is asked for */
export function ofUnbound(base: Base, name: 'recipient' | 'keyWrapper', unlock: Unlock): Case[] {
  const [slot, fields, box] = [`slot ${name}`, `fields of slot ${name}`, `box of slot ${name}`];
  const make = caseOf(OPEN);
  const test = (
    title: string,
    description: string,
    stage: string,
    change: Change,
    expect: Case['expect'],
    rule: string,
  ): Case => make(`${name}: ${title}`, description, stage, change, expect, { ...pinned(base), unlock, rule });
  const key = (title: string, description: string, change: Change): Case =>
    test(title, description, slot, change, 'UNLOCK_FAILED', 'S-08');
  const sealed = (title: string, description: string, change: Change): Case =>
    test(title, description, slot, change, 'INTEGRITY', 'S-04');
  const inBox = (title: string, description: string, change: Change, rule = 'S-04'): Case =>
    test(title, description, box, change, 'INTEGRITY', rule);
  const length = (title: string, description: string, change: Change): Case =>
    test(title, description, slot, change, 'INTEGRITY', 'G-03');
  return [
    ...known(base, name, unlock),
    test(
      'time',
      'A bit of the time is flipped, in a head that is signed anew: no tag is over it.',
      slot,
      flip(24),
      'ok',
      'S-08',
    ),
    key('public key', 'A bit of the public key is flipped, in a head that is signed anew.', flip(25)),
    key(
      'public key, encoded otherwise',
      'X25519 ignores the bit of the public key that is set.',
      flip(METHOD_AT - 1, 0x80),
    ),
    key('public key of low order', 'The public key is the point zero.', set(25, POINTS.zero)),
    sealed(
      'ephemeral key',
      'A bit of the key in the sealed root is flipped, in a head that is signed anew.',
      flip(-BOX_LENGTH),
    ),
    sealed(
      'tag of the sealed root',
      'A bit of the tag is flipped, in a head that is signed anew.',
      flip(32 - BOX_LENGTH),
    ),
    sealed('sealed root', 'The last bit of the sealed root is flipped, in a head that is signed anew.', flip(-1)),
    ...Object.entries(POINTS).map(([point, bytes]) =>
      sealed(
        `box for all: ${point}`,
        'The root key is sealed to a shared secret of zeros, which every private key shares with a point of low order.',
        boxForAll(base, bytes),
      ),
    ),
    inBox('lineage in the box', 'The box is that of another lineage.', flip(0)),
    inBox('slot id in the box', 'The box is that of another slot.', flip(16)),
    inBox('root number in the box', 'The box is that of another root key.', set(32, u32(1))),
    inBox('root key', 'The root key opens no keyring.', flip(36), 'Y-03'),
    test(
      'time out of range',
      'The slot says that it was made a millisecond too late.',
      fields,
      set(17, LATE),
      'INTEGRITY',
      'G-08',
    ),
    length('cut off', 'The last byte of the slot is missing.', drop(-1, 1)),
    length('too long', 'A byte follows the sealed root.', append(Buffer.alloc(1))),
    length('with a binding tag', 'The slot has room for a binding tag, as those of other methods.', (bytes) =>
      spliced(bytes, { at: bytes.length - BOX_LENGTH, remove: 0, insert: Buffer.alloc(32) }),
    ),
  ];
}
