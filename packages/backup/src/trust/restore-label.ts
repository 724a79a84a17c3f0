import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';

const LABEL = /^before a restore of (?:snapshot (\d+)|(\d\S+Z))$/;

/** The label of the snapshot that is made before a restore in place. */
export function labelBefore({
  number,
  until,
}: {
  readonly number: number;
  readonly until?: number | undefined;
}): string {
  return `before a restore of ${until === undefined ? `snapshot ${number}` : new Date(until).toISOString()}`;
}

/** The recovery point of the restore before which the snapshot with this label was made; `undefined` for any other label. */
export function restoredAfter(label: string): RecoveryPointChoice | undefined {
  const [, snapshot, at] = LABEL.exec(label) ?? [];
  if (snapshot !== undefined) return { snapshot: Number(snapshot) };
  const moment = new Date(at ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? undefined : { at: moment };
}
