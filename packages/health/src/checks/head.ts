import { type BackendCapabilities, MAX_CLOCK_DIFFERENCE } from '@securestore/backend-api';
import type { HealthThresholds } from '../report/thresholds.ts';
import type { HealthCheck } from '../report/types.ts';
import { codeOf, finding, fine, verdictOfError } from '../report/verdict.ts';
import { span } from '../report/words.ts';
import type { Measurement } from './measure.ts';

/** How old what is known of the head may be, in milliseconds: beyond that nothing is acknowledged. */
const CONFIRMED_WITHIN = 5000;
/** Backends may tell their time to the second. */
const TOLD_TO = 1000;

/** By how much the backend's clock is before that of this machine, at least, and how far that may be off. */
function differenceOf({ head, asked, modified, wrote }: Measurement): number | undefined {
  const [theirs, ours] = head?.now !== undefined ? [head.now, asked] : [modified, wrote];
  if (theirs === undefined || ours === undefined) return undefined;
  if (theirs < ours.from) return theirs - ours.from;
  return theirs > ours.to ? theirs - ours.to : 0;
}

/** What to do about the clock of a store that is a record, and ahead of this machine's: it never is behind. */
function adviceOnRecord(isRefused: boolean): string {
  return isRefused
    ? 'if the clock of this machine is right, run "securestore clock reset"; if it is behind, set it, and have it kept right (NTP)'
    : 'if the clock of this machine is behind, set it, and have it kept right (NTP); if it is right, nothing is to be done: the time catches up';
}

/**
 * Whether the clock of this machine and the backend's agree.
 *
 * @param canReset whether the backend's is this machine's too, and a record that something may have moved ahead
 */
export function judgeClock(
  measurement: Measurement,
  { modifiedResolution, clockSkew, now }: BackendCapabilities,
  { maxClockSkew }: Required<HealthThresholds>,
  canReset = false,
): HealthCheck {
  const difference = differenceOf(measurement);
  if (difference === undefined) {
    return finding('clock', 'degraded', [
      'the clocks could not be compared, since the backend did not tell the time',
      'see the check "backend"',
    ]);
  }
  // A time that is rounded, or of one of several servers, says no more than this.
  const blur = (now && measurement.head?.now !== undefined ? TOLD_TO : modifiedResolution) + clockSkew;
  const skew = Math.max(0, Math.abs(difference) - blur);
  const details = { figures: { skew } };
  const isRecord = canReset && difference > 0;
  const what = isRecord
    ? `the clock of the store is ${span(skew)} ahead of this machine's: it was written to with a clock that was ahead`
    : `the clocks of this machine and of the backend are ${span(skew)} apart`;
  if (!(skew > (maxClockSkew ?? Infinity)) && !(skew > MAX_CLOCK_DIFFERENCE)) {
    return fine('clock', skew === 0 ? 'the clocks of this machine and of the backend agree' : what, details);
  }
  const isRefused = skew > MAX_CLOCK_DIFFERENCE;
  const side = isRecord ? '' : ` (this machine is ${difference > 0 ? 'behind' : 'ahead'})`;
  const advice = isRecord ? adviceOnRecord(isRefused) : 'set the clocks, and have them kept right (NTP)';
  if (isRefused) return finding('clock', 'failing', [`${what}${side}; writes are refused`, advice], details);
  return finding('clock', 'degraded', [`${what}${side}`, advice], details);
}

/** What states of a store mean, other than that it is open. */
const STATES: Readonly<Record<string, readonly [string, string]>> = {
  restoring: [
    'the store is being restored, and takes no writes meanwhile',
    'wait until that has ended; where nobody does it any more, run the restore again',
  ],
  closing: [
    'the store is about to move, and takes no calls meanwhile',
    'wait a moment, and open it again if it stays so',
  ],
  moved: ['the store has moved', 'open it at its new URL'],
};

/** Whether the head of the store is there, the newest, and read anew again and again. */
export function judgeHead(
  measurement: Measurement,
  { modifiedResolution, clockSkew }: BackendCapabilities,
  { state, confirmedAgo }: { readonly state: string; readonly confirmedAgo: number },
): HealthCheck {
  const { head, headError, modified } = measurement;
  if (head === undefined) {
    if (codeOf(headError) === 'NOT_FOUND') {
      const advice = 'find out who removed it, and restore it: "securestore restore <backup> --to <new url>"';
      return finding('head', 'failing', ['the manifest of the store is gone', advice]);
    }
    const [reason, advice] = verdictOfError(headError);
    return finding('head', 'failing', [`the manifest of the store cannot be confirmed: ${reason}`, advice]);
  }
  const details = { figures: { generation: head.generation, confirmedAgo } };
  if (
    head.now !== undefined &&
    modified !== undefined &&
    head.now < modified - Math.max(modifiedResolution, TOLD_TO) - clockSkew
  ) {
    const reason = `the manifest that the backend returns is out of date: it was read after a write, and is from ${span(modified - head.now)} before that`;
    const advice = 'remove what answers from memory between this machine and the backend: a cache, a proxy, a replica';
    return finding('head', 'failing', [reason, advice], details);
  }
  if (confirmedAgo > CONFIRMED_WITHIN) {
    const reason = `the manifest was not confirmed for ${span(confirmedAgo)}, so calls are refused`;
    return finding('head', 'failing', [reason, 'see the checks "backend" and "latency"'], details);
  }
  const special = STATES[state];
  if (special !== undefined) return finding('head', 'degraded', special, details);
  return fine('head', `the manifest is the newest that is known (generation ${head.generation})`, details);
}
