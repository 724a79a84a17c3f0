import type { SnapshotReport } from 'securestore';
import type { Commands } from '../errors/hints.ts';
import { count, printable } from '../terminal/terminal-text.ts';

/** Findings about the store. A server of an earlier release tells less. */
interface Told {
  readonly findings?: SnapshotReport['findings'] | undefined;
  readonly destinationFindings?: SnapshotReport['destinationFindings'] | undefined;
  readonly missing?: SnapshotReport['missing'] | undefined;
}

/** Whether a backup, a drill or a run of a schedule has found that something is wrong with the store. */
export function isLossFound({ findings = [], missing }: Told): boolean {
  return findings.length > 0 || (missing?.count ?? 0) > 0;
}

/**
 * Tells the findings of a backup, a drill or a run of a schedule, and how to restore what the store has lost.
 *
 * @param destination that has them
 */
export function lostInWords(
  { findings = [], destinationFindings = [], missing }: Told,
  commands: Commands,
  destination: string,
): string[] {
  // Of a backup, the first finding tells their number.
  const { count: lost, keys } = missing ?? { count: 0, keys: [] };
  const others = lost === 0 ? findings : findings.slice(1);
  const lines = others.map((finding) => {
    const text = printable(finding).replace(/\.$/, '');
    // The backup has repaired some of it: of removed snapshots, whose numbers are used again, a verification lists nothing.
    const next = destinationFindings.includes(finding)
      ? `to check what is there now: ${printable(commands.on(['verify', destination]))}`
      : `to list the damage: ${printable(commands.on(['verify']))}`;
    return `finding: ${text}; ${next}`;
  });
  if (lost === 0) return lines;
  const [are, were] = lost === 1 ? ['is', 'it was'] : ['are', 'they were'];
  const repair = printable(commands.on(['scrub'], { repair: destination }));
  const restores = keys.map((key) => {
    const command = commands.on(['restore', destination], { key });
    return `missing: ${printable(key)}; to restore it: ${printable(command)}`;
  });
  return [
    ...lines,
    `finding: ${count(lost, 'object')} ${are} missing from the store, though ${were} neither deleted nor purged`,
    ...restores,
    `to restore what was lost, as it was: ${repair}`,
  ];
}

/** Says that objects are no longer there for an unknown reason. */
export function forgottenInWords({ forgotten }: Pick<SnapshotReport, 'forgotten'>): string[] {
  if (forgotten === undefined || forgotten.count === 0) return [];
  const { count: gone } = forgotten;
  return [
    `${count(gone, 'object')} of the last snapshot ${gone === 1 ? 'is' : 'are'} no longer in the store: ` +
      'deleted, purged or lost since; earlier snapshots still have what was lost',
  ];
}
