import type { Point } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { FoundPoint } from './snapshots.ts';

/** What every point says of the store, and of who makes it. */
function sayOf({ head, capabilities, clock }: BackupArea): Pick<Point, 'instance' | 'skew' | 'made' | 'history'> {
  return { instance: head.instance, skew: capabilities.clockSkew, made: clock.now(), history: head.history };
}

/** What a snapshot says of itself. */
export type SnapshotFacts = Pick<
  Point,
  'number' | 'previous' | 'generation' | 'time' | 'gap' | 'label' | 'removed' | 'totals' | 'added' | 'pages' | 'others'
>;

/** A point with the whole index of the store. */
export function snapshotPoint(area: BackupArea, facts: SnapshotFacts): Point {
  return { ...sayOf(area), ...facts, kind: 'snapshot', base: facts.number, collects: false };
}

/** The point after `newest`, with what has changed since. */
export function changesPoint(
  area: BackupArea,
  newest: FoundPoint,
  facts: Pick<Point, 'number' | 'generation' | 'time' | 'gap' | 'pages' | 'added'>,
): Point {
  const { digest: previous, base, removed, totals, others } = newest;
  return {
    ...sayOf(area),
    base,
    removed,
    totals,
    others,
    ...facts,
    previous,
    kind: 'changes',
    collects: false,
    label: '',
  };
}
