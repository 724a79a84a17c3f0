import type { FoundMoment } from './moment.ts';
import type { PointChoice } from '../repository/point-choice.ts';

const LABEL = /^before a restore of (?:snapshot (\d+)|(\d\S+Z))$/;

/** What a snapshot is called that is made before a store is restored in place. */
export function labelBefore({ number, until }: Pick<FoundMoment, 'number' | 'until'>): string {
  return `before a restore of ${until === undefined ? `snapshot ${number}` : new Date(until).toISOString()}`;
}

/** What the restore was of before which the snapshot of this label was made; `undefined` for any other label. */
export function restoredAfter(label: string): PointChoice | undefined {
  const [, snapshot, at] = LABEL.exec(label) ?? [];
  if (snapshot !== undefined) return { snapshot: Number(snapshot) };
  const moment = new Date(at ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? undefined : { at: moment };
}
