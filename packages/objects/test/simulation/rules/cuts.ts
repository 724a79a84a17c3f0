import type { Ledger, PublishedCut } from '../ledger.ts';
import type { Recorded } from '../world.ts';
import type { AcknowledgedVersion } from './acknowledged.ts';
import { acknowledgedVersions, mayBeForgotten } from './acknowledged.ts';

/** A hint whose commit lands later than this after it was sent, in milliseconds, may have lapsed by then. */
const LANDS_WITHIN = 40 * 60_000;

/** A version, with the time from which on somebody may have relied on it. */
interface KnownVersion extends AcknowledgedVersion {
  readonly since: number;
}

/** What was acknowledged or read, and when first. */
function knownVersions(recorded: Recorded): KnownVersion[] {
  const reads = recorded.operations.filter(
    ({ action, outcome }) => action.type === 'retrieve' && outcome.type === 'ok',
  );
  return acknowledgedVersions(recorded).map((acknowledged) => {
    const { version, operation } = acknowledged;
    const seen = reads.flatMap(({ outcome, returned }) =>
      outcome.type === 'ok' && outcome.content?.version === version ? [returned] : [],
    );
    const punctual = recorded.landings.some(
      (landing) => landing.version === version && landing.time - landing.sent < LANDS_WITHIN,
    );
    const since = Math.min(operation.returned, ...(punctual ? seen : []));
    return { ...acknowledged, since };
  });
}

const holds = ({ versions }: PublishedCut, { token, number }: AcknowledgedVersion): boolean =>
  (versions.get(token) ?? 0) >= number;

/**
 * Whether a purge that a cut need not hold may have removed a version before it was read: one that had begun by then,
 * and was not over when the version was made.
 */
const wentSince = (
  { operations }: Recorded,
  { time, published }: PublishedCut,
  { operation }: AcknowledgedVersion,
): boolean =>
  operations.some(
    ({ action, outcome, key, invoked, returned }) =>
      action.type === 'purge' &&
      key === operation.key &&
      invoked <= published &&
      (outcome.type === 'unknown' || (outcome.type === 'ok' && returned >= time && returned >= operation.invoked)),
  );

function problemsOf(recorded: Recorded, cut: PublishedCut, all: readonly KnownVersion[]): string[] {
  const known = all.filter((version) => holds(cut, version) || !wentSince(recorded, cut, version));
  const found = known
    .filter((version) => version.operation.returned < cut.time && !holds(cut, version))
    .map(({ operation }) => `#${operation.id} was acknowledged before it and is missing`);
  for (const effect of known) {
    if (cut.versions.get(effect.token) !== effect.number) continue;
    for (const cause of known) {
      if (cause.since >= effect.operation.invoked || holds(cut, cause)) continue;
      found.push(`it holds #${effect.operation.id} without #${cause.operation.id}, which came before`);
    }
  }
  return found.map((problem) => `the cut of ${cut.time}: ${problem}`);
}

/** Cuts of one consumer follow each other: none takes anything back that an earlier one has published. */
function orderOf(ledger: Ledger): string[] {
  return ledger.cuts.slice(1).flatMap((cut, index) => {
    const before = ledger.cuts[index];
    if (before === undefined) return [];
    const found = cut.time <= before.time ? [`the cut of ${cut.time} does not come after that of ${before.time}`] : [];
    for (const [token, version] of before.versions) {
      if ((cut.versions.get(token) ?? 0) < version) found.push(`the cut of ${cut.time} takes back what was published`);
    }
    return found;
  });
}

/** A cut holds whatever was acknowledged before its time, and nothing without what that depends on. */
export function cuts(recorded: Recorded): string[] {
  const known = knownVersions(recorded);
  return recorded.ledgers.flatMap((ledger) => {
    const { passed = 0 } = ledger;
    const kept = known.filter(({ operation }) => !mayBeForgotten(recorded, operation, passed));
    return [...ledger.cuts.flatMap((cut) => problemsOf(recorded, cut, kept)), ...orderOf(ledger)];
  });
}
