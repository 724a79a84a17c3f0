import { HINT_COVERS_FOR, HINT_LAPSES_AFTER } from '../../../src/engine/journal-limits.ts';
import type { Ledger } from '../ledger.ts';
import { isMutation } from '../operations.ts';
import type { Operation } from '../operations.ts';
import type { Landing, Recorded } from '../world.ts';
import type { AcknowledgedVersion } from './acknowledged.ts';
import { acknowledgedVersions, mayBeForgotten, mayBePurged } from './acknowledged.ts';

/** From when on, after a pass has begun, every commit is announced: what it waits itself, and what clocks may drift. */
const SETTLED = 6010;

/** Whether a version may have been collected before its hint was written. */
function wasAnnouncedLate({ plan, landings }: Recorded, { returned }: Operation, version: string): boolean {
  const landed = landings.find((landing) => landing.version === version)?.time ?? 0;
  return plan.shortHistory && returned - landed > HINT_COVERS_FOR;
}

function problems(
  recorded: Recorded,
  ledger: Ledger,
  { operation, token, version, number }: AcknowledgedVersion,
): string[] {
  const { passed, known, visited, label } = ledger;
  if (passed === undefined) return [];
  const gone = mayBePurged(recorded, operation) || wasAnnouncedLate(recorded, operation, version);
  const announced = operation.returned >= passed + SETTLED && !gone;
  if (announced && !visited.has(version)) return [`${label} was never given ${version} of #${operation.id}`];
  if (mayBeForgotten(recorded, operation, passed)) return [];
  const newest = known.get(token)?.version ?? 0;
  return newest < number ? [`${label} knows nothing as new as ${version} of #${operation.id}`] : [];
}

/** Whether an alarm is about what a write left that was never acknowledged and landed after its key was retired. */
const isLateWrite = ({ plan }: Recorded, alarm: string): boolean =>
  plan.parts.has('rotator') && alarm.endsWith('is not what was written there');

const UNANNOUNCED = /^o\/(\S+) holds a version that was not announced$/;

/** When the call began of which a write landed: it was announced after that, and its process may have stopped before it was sent. */
function begunOf({ operations, tokens }: Recorded, { process, token, sent }: Landing): number {
  const isOf = ({ process: by, key, action, invoked }: Operation): boolean =>
    by === process && tokens.get(key) === token && isMutation(action) && invoked <= sent;
  return operations.findLast(isOf)?.invoked ?? sent;
}

/** Whether an alarm is about a write that was never acknowledged, and was under way until its announcement had lapsed. */
function isStranded(recorded: Recorded, acknowledged: readonly AcknowledgedVersion[], alarm: string): boolean {
  const [, token] = UNANNOUNCED.exec(alarm) ?? [];
  return recorded.landings.some(
    (landing) =>
      landing.token === token &&
      landing.time - begunOf(recorded, landing) > HINT_LAPSES_AFTER &&
      !acknowledged.some(({ version }) => version === landing.version),
  );
}

/** Consumers are given every acknowledged change, and raise no alarm where nobody attacks. */
export function consumers(recorded: Recorded): string[] {
  const acknowledged = acknowledgedVersions(recorded);
  return recorded.ledgers.flatMap((ledger) => [
    ...ledger.alarms
      .filter((alarm) => !isLateWrite(recorded, alarm) && !isStranded(recorded, acknowledged, alarm))
      .map((alarm) => `an alarm: ${alarm}`),
    ...acknowledged.flatMap((version) => problems(recorded, ledger, version)),
  ]);
}
