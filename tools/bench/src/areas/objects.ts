import { resident } from '../measure/child.ts';
import type { Area, Target } from '../measure/model.ts';
import { availableSealers } from '../rivals/sealers.ts';

/** The name of the contender that leaves the engine out. */
export const LEAST = 'the format’s work, without an engine';

/** The share of the raw limit that each work must reach. */
const WORKS = [
  { work: 'seal and store', order: 'store', factor: 0.6 },
  { work: 'retrieve and open', order: 'retrieve', factor: 0.65 },
] as const;

/** Sealing and opening objects of 1 KiB one after the other, on one core and without a disk. */
export const objects: Area = {
  title: 'Objects of 1 KiB, memory:',
  async *comparisons({ scale, absent }) {
    const rivals = await availableSealers(absent);
    for (const times of [1, 10, 100]) {
      const count = Math.ceil(1000 * times * scale);
      // Theirs take long, and do not depend on the count.
      const others = times === 1 ? rivals : [];
      for (const { work, order, factor } of WORKS) {
        const args = (who: string, share: number): string[] => [who, order, '1', String(Math.ceil(count * share))];
        const contenders = [
          resident('securestore', 'ours', 'small-objects', args('ours', 1)),
          ...others.map(({ id, name }) => resident(name, 'rival', 'small-objects', args(id, 1 / 4))),
          resident(LEAST, 'least', 'small-objects', args('least', 1)),
          resident('the format’s constructions on node:crypto', 'raw', 'small-objects', args('raw', 1)),
        ];
        const targets: Target[] = [{ bound: 'at least', factor, of: 'the raw limit' }];
        if (others.length > 0) targets.push({ bound: 'at least', factor: 13, of: 'the best rival' });
        yield { work, unit: 'per second', count, contenders, targets };
        for (const { end } of contenders) end();
      }
    }
  },
};
