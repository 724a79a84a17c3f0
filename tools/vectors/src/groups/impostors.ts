import type { Base } from '../make/base.ts';
import { bytesFrom, set } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';
import type { Unlock } from '../make/secrets.ts';
import { anchorOf, fingerprintFrom, pinned } from './unbound-slots.ts';

const IMPOSTOR = bytesFrom('impostor', 64);
/** What whoever takes the impostor's store for the right one has pinned. */
export const taken = { fingerprint: fingerprintFrom(IMPOSTOR.subarray(32)) } as const;

/**
 * A store of somebody who has no secret: a root key and an identity of their own, slots for the public keys in the head of
 * the right store, and the binding tags that stand there.
 */
export function impostor(
  title: string,
  description: string,
  unlock: Unlock,
  expect: Case['expect'],
  more: Partial<Case>,
): Case {
  const made = caseOf(OPEN)(title, description, 'root key and identity', set(0, IMPOSTOR), expect);
  return { ...made, unlock, ...more };
}

/** What it comes to where nothing binds the slot. @param unlock a key wrapper that doesn't look at its context, or an identity */
export function impostors(base: Base, name: string, unlock: Unlock): Case[] {
  const test = (title: string, description: string, expect: Case['expect'], more: Partial<Case>): Case =>
    impostor(`${name}: ${title}`, description, unlock, expect, more);
  return [
    test('impostor', 'The store is that of an impostor, and nobody says which one it is to be.', 'INVALID_ARGUMENT', {
      rule: 'S-07',
    }),
    test('impostor, right store pinned', 'The fingerprint is that of the right store.', 'INTEGRITY', {
      rule: 'H-08',
      ...pinned(base),
    }),
    test('impostor, right store remembered', 'The right store was seen before.', 'ROLLBACK', {
      rule: 'F-03',
      anchor: anchorOf(base),
    }),
    test(
      'impostor, taken for the right store',
      'The fingerprint is that of the impostor: nothing else protects.',
      'ok',
      {
        rule: 'S-07',
        ...taken,
      },
    ),
  ];
}
