import { AREAS, HEAD_NAME } from '@securestore/core-format';
import type { Calendar } from './calendar.ts';
import type { Dice } from './dice.ts';
import type { Fate } from './weather.ts';

/**
 * What a schedule is about where all but a few requests are left in peace. Most races need one request, or one process,
 * to be held up at the right place for the right time, and nothing else to go wrong: drawn evenly from all that happens,
 * that is rare.
 */
export interface Focus {
  /** How the names begin whose requests are held up. */
  readonly areas: readonly string[];
  readonly requests: 'reads' | 'changes' | 'all';
  /** How many of them are. */
  readonly share: number;
  /** How many of those for long, which is until a later burst; the others for some seconds. */
  readonly long: number;
}

const { objects, history, blobs, markers, journal, work } = AREAS;

const OF_MINUTES = [[objects], [objects], [history], [journal], [HEAD_NAME], [objects, journal]] as const;
const OF_DAYS = [
  [objects],
  [history],
  [blobs],
  [blobs],
  [markers],
  [markers, blobs],
  [journal],
  [work],
  [objects, history],
  [objects, journal],
] as const;

export function drawFocus(dice: Dice, days: boolean): Focus {
  return {
    areas: dice.pick<readonly string[]>(days ? OF_DAYS : OF_MINUTES),
    requests: dice.pick(['reads', 'changes', 'changes', 'all']),
    share: dice.magnitude(0.05, 0.6),
    long: days ? dice.pick([0.2, 0.5, 0.9]) : 0,
  };
}

/** @param key several names, with spaces between them, for a batch */
export function isInFocus({ areas, requests }: Focus, key: string, mutation: boolean): boolean {
  if (requests !== 'all' && mutation !== (requests === 'changes')) return false;
  return key.split(' ').some((name) => areas.some((area) => name.startsWith(area)));
}

const HOW = ['on its way', 'answer', 'lost', 'late', 'sleeper', 'sleeper'] as const;

/** What becomes of a request that is held up. @param there how long it takes to arrive, and its answer to come back */
export function focusedFate(dice: Dice, { long }: Focus, calendar: Calendar, now: number, there: number): Fate {
  const isLong = dice.chance(long);
  const brief = dice.magnitude(50, 8000);
  const onItsWay = (isLong ? calendar.untilArrival(dice, now) : undefined) ?? brief;
  switch (dice.pick(HOW)) {
    case 'on its way':
      return { name: 'held on its way', arrivals: [there + onItsWay], answer: there };
    case 'answer':
      return { name: 'answered late', arrivals: [there], answer: there + brief };
    case 'lost':
      return { name: 'answer lost', arrivals: [there], fails: { after: there + brief, certain: false } };
    case 'late':
      return { name: 'late', arrivals: [there + onItsWay], fails: { after: brief, certain: false } };
    default: {
      const duration = (isLong ? calendar.untilAny(dice, now) : undefined) ?? brief;
      const stops = { how: dice.pick(['pause', 'suspend'] as const), duration };
      return { name: 'sent by a process that then stops', arrivals: [there], answer: there, stops };
    }
  }
}
