import type { Mutation } from './mutation.ts';

/** Thrown inside: somebody else was first, so look again. */
export class LostRace extends Error {}

/** A process may have slept since an attempt began. @throws LostRace where what it rests on must be made sure of anew */
export function checkHeld({ stillHolds }: Mutation): void {
  if (stillHolds?.() === false) throw new LostRace();
}
