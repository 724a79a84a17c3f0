import { encodeBase32 } from '@securestore/core-format';
import type { Operation } from '../operations.ts';
import { isMutation } from '../operations.ts';
import type { LandedHead, Recorded } from '../world.ts';

/** What whoever takes a slot away waits before it is reported, in milliseconds; less what clocks may drift in it. */
const BOUND = 6000 * 0.999;

const holdsSlot = ({ head }: LandedHead, slot: string): boolean =>
  head.slots.some((other) => 'id' in other && encodeBase32(other.id) === slot);

/** When a slot was gone; `undefined` where it never was. */
function goneSince({ heads }: Recorded, slot: string): number | undefined {
  const last = heads.findLastIndex((head) => holdsSlot(head, slot));
  return heads[last + 1]?.time;
}

function isWrong(recorded: Recorded, { process, returned }: Operation): boolean {
  const slot = recorded.slots.get(process) ?? '';
  const reported = recorded.removals.find((removal) => removal.slot === slot)?.reported;
  const gone = goneSince(recorded, slot);
  return (reported !== undefined && returned > reported) || (gone !== undefined && returned > gone + BOUND);
}

/** Whether an operation only read, in a process whose slot is gone: it may see what others have no keys for any more. */
export function isLeftBehind(recorded: Recorded, { action, process, returned }: Operation): boolean {
  const gone = goneSince(recorded, recorded.slots.get(process) ?? '');
  return !isMutation(action) && gone !== undefined && returned > gone;
}

/** Whoever opened the store by a slot that is gone writes no more, once its removal is reported or 6 s have passed. */
export function revocation(recorded: Recorded): string[] {
  return recorded.operations
    .filter(({ action, outcome }) => isMutation(action) && outcome.type === 'ok')
    .filter((operation) => isWrong(recorded, operation))
    .map(({ id }) => `#${id} was acknowledged though the slot of its process is gone`);
}
