import type { Operation } from '../operations.ts';
import { isMutation } from '../operations.ts';
import type { LandedHead, Recorded } from '../world.ts';

/** What whoever raises a generation waits before it relies on it, in milliseconds; less what clocks may drift in it. */
const BOUND = 6000 * 0.999;

/** Clocks further apart than this make writes be refused, in milliseconds; and what reading the head may add to it. */
const MAX_CLOCK_DIFFERENCE = 10 * 60 * 1000 + 2 * BOUND;

/** What clocks run too fast or too slow at most: in days that makes minutes. */
const MAX_DRIFT = 0.0002;

/** The heads that were current at any time from `from` to `to`. */
function headsBetween(heads: readonly LandedHead[], from: number, to: number): LandedHead[] {
  return heads.filter(({ time }, index) => time <= to && (heads[index + 1]?.time ?? Number.POSITIVE_INFINITY) >= from);
}

function clockWasWrong({ clockErrors }: Recorded, { process, returned }: Operation): boolean {
  const errors = clockErrors.get(process) ?? [];
  const recent = errors.filter((_, index) => (errors[index + 1]?.from ?? Number.POSITIVE_INFINITY) >= returned - BOUND);
  return recent.every(({ error }) => Math.abs(error) > MAX_CLOCK_DIFFERENCE + MAX_DRIFT * returned);
}

function problems(recorded: Recorded, operation: Operation): string[] {
  const { process, action, returned } = operation;
  const found: string[] = [];
  const reads = recorded.headReads.get(process) ?? [];
  if (!reads.some((time) => time <= returned && time >= returned - BOUND)) {
    found.push('was acknowledged without a fresh confirmation of the head');
  }
  if (!isMutation(action)) return found;
  const heads = headsBetween(recorded.heads, returned - BOUND, returned);
  if (!heads.some(({ head }) => head.state === 'open')) found.push('was acknowledged though the store was closing');
  // Where the backend tells no clock there is nothing to compare one with.
  if (!recorded.plan.silent && clockWasWrong(recorded, operation))
    found.push('was acknowledged though the clock of its process is wrong');
  return found;
}

/** Whatever is acknowledged later than six seconds after a head was replaced behaves by the new one. */
export function freshness(recorded: Recorded): string[] {
  return recorded.operations
    .filter(({ outcome }) => outcome.type === 'ok')
    .flatMap((operation) => problems(recorded, operation).map((problem) => `#${operation.id} ${problem}`));
}
